"""Notes that the processes of a cluster leave for each other.

A table of numbers on a parameter server, shared by name between all sessions;
0 stands for no note. It is gone when that parameter server dies, like the
variables.

    RUN             id of the run whose variables the parameter servers hold
    OVER            FINISHED or FAILED once the chief has ended for good
    worker(number)  HERE or LEFT
"""

import contextlib

import tensorflow.compat.v1 as tf
from absl import logging

RUN = 'run'
OVER = 'over'
FINISHED, FAILED = 1, 2
HERE, LEFT = 1, 2

_OPERATION_MS = 10000


def worker(number: int) -> str:
  """Returns the key of a worker's note."""
  return f'worker:{number}'


class StatusTable:
  """The table of one parameter server, in the default graph.

  Args:
    task: number of the parameter server.
  """

  def __init__(self, task=0):
    self._device = f'/job:ps/task:{task}/device:CPU:0'
    with tf.device(self._device):
      # The layer above, tf.lookup, would put the table into checkpoints.
      self._table = tf.raw_ops.MutableHashTableV2(
        key_dtype=tf.string,
        value_dtype=tf.int64,
        shared_name='cluster_board',
        use_node_name_sharing=False,
      )

  def read(self, key: str):
    """Returns the note, an int64 scalar."""
    with tf.device(self._device):
      found = tf.raw_ops.LookupTableFindV2(
        table_handle=self._table,
        keys=[key],
        default_value=tf.constant(0, tf.int64),
      )
      return tf.reshape(found, [])

  def write(self, key: str, value: int):
    """Returns the op that leaves a note."""
    with tf.device(self._device):
      return tf.raw_ops.LookupTableInsertV2(
        table_handle=self._table,
        keys=[key],
        values=tf.constant([value], tf.int64),
      )


def publish(target: str, ps_task: int, filters, notes):
  """Leaves notes on one parameter server, in a session of its own.

  Returns within seconds, also if the parameter server does not answer.

  Args:
    target: the server to run on.
    ps_task: number of the parameter server.
    filters: devices that the session may use besides the parameter server.
    notes: dict of key to note.
  """
  config = tf.ConfigProto(
    operation_timeout_in_ms=_OPERATION_MS,
    device_filters=[f'/job:ps/task:{ps_task}', *filters],
  )
  with tf.Graph().as_default():
    table = StatusTable(ps_task)
    ops = [table.write(key, value) for key, value in notes.items()]
    with contextlib.ExitStack() as stack:
      try:
        session = stack.enter_context(tf.Session(target, config=config))
        session.run(ops)
      except tf.errors.OpError as error:
        logging.debug('ps %d was not told: %s', ps_task, error.message)

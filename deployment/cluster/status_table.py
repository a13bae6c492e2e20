"""A small shared table of run and worker status, on the parameter servers.

Each parameter server holds one table of numbers, shared by name between all
sessions; 0 stands for a missing entry. Like the variables, it is lost when the
parameter server dies.

    RUN_ID          id of the run whose variables the parameter servers hold
    RUN_STATUS      FINISHED or FAILED once the chief has ended for good
    worker(number)  PRESENT or LEFT
"""

import contextlib
from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf
from absl import logging

RUN_ID = 'run_id'
RUN_STATUS = 'run_status'
FINISHED, FAILED = 1, 2
PRESENT, LEFT = 1, 2

_OPERATION_MS = 10000


def worker(number: int) -> str:
  """Return the key of a worker's entry."""
  return f'worker:{number}'


class StatusTable:
  """The table of one parameter server, in the default graph.

  Args:
    task: number of the parameter server.
  """

  def __init__(self, task: int = 0):
    self._device = f'/job:ps/task:{task}/device:CPU:0'
    with tf.device(self._device):
      # The layer above, tf.lookup, would put the table into checkpoints.
      self._table = tf.raw_ops.MutableHashTableV2(
        key_dtype=tf.string,
        value_dtype=tf.int64,
        shared_name='cluster_status',
        use_node_name_sharing=False,
      )

  def read(self, key: str) -> tf.Tensor:
    """Return an entry, an int64 scalar."""
    with tf.device(self._device):
      found = tf.raw_ops.LookupTableFindV2(
        table_handle=self._table,
        keys=[key],
        default_value=tf.constant(0, tf.int64),
      )
      return tf.reshape(found, [])

  def write(self, key: str, value: int) -> tf.Operation:
    """Return the op that sets an entry."""
    with tf.device(self._device):
      return tf.raw_ops.LookupTableInsertV2(
        table_handle=self._table,
        keys=[key],
        values=tf.constant([value], tf.int64),
      )


def publish(
  target: str, ps_task: int, filters: Sequence[str], entries: Mapping[str, int]
) -> None:
  """Set entries on one parameter server, in a session of its own.

  Returns within seconds, even if the parameter server does not respond.

  Args:
    target: the server to run on.
    ps_task: number of the parameter server.
    filters: devices that the session may use besides the parameter server.
    entries: key to value.
  """
  config = tf.ConfigProto(
    operation_timeout_in_ms=_OPERATION_MS,
    device_filters=[f'/job:ps/task:{ps_task}', *filters],
  )
  with tf.Graph().as_default():
    table = StatusTable(ps_task)
    ops = [table.write(key, value) for key, value in entries.items()]
    with contextlib.ExitStack() as stack:
      try:
        session = stack.enter_context(tf.Session(target, config=config))
        session.run(ops)
      except tf.errors.OpError as error:
        logging.debug(
          'Could not set the status on ps %d: %s', ps_task, error.message
        )

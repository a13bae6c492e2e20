"""The session of a training run: its options, devices and hooks."""

import ctypes
import dataclasses
import os
from collections.abc import Callable, Iterable
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from deployment import model_deploy
from deployment.checkpoints import locate
from deployment.cluster import sessions
from deployment.cluster.replica import Replica
from deployment.evaluation import history
from deployment.training import (
  acceleration,
  finite,
  log_hook,
  profiler_hook,
  stop_hooks,
)
from deployment.training.train_graph import TrainGraph
from slim_support import cores, files

_M_ARENA_MAX = -8  # of glibc's malloc.h
# A step that no run reaches.
_NEVER = 2**62


def deployment(config: Any) -> model_deploy.DeploymentConfig:
  """Return the clones, replicas and parameter servers of a TrainConfig."""
  return model_deploy.DeploymentConfig(
    num_clones=config.num_clones,
    clone_on_cpu=config.clone_on_cpu,
    replica_id=config.task,
    num_replicas=config.worker_replicas,
    num_ps_tasks=config.num_ps_tasks,
    exact_placement=True,
  )


def session_config(config: Any) -> tf.ConfigProto:
  """Return the session options of a TrainConfig."""
  result = tf.ConfigProto(allow_soft_placement=True)
  if config.clone_on_cpu:
    result.device_count['CPU'] = config.num_clones
  result.gpu_options.allow_growth = config.gpu_memory_growth
  acceleration.configure(config, result)
  return result


def _limit_memory_pools():
  """Let the C library keep no more pools of memory than there are cores.

  By default it keeps eight per core, and each grows to the largest images that
  its threads decode: 100 MB more on two cores, with no gain in speed. C
  libraries other than glibc have no such pools.
  """
  if 'MALLOC_ARENA_MAX' not in os.environ:
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt:
      mallopt(_M_ARENA_MAX, cores.usable_cores())


def open_session(
  config: Any,
  graph: TrainGraph,
  replica: Replica,
  saver: tf.train.Saver,
  *,
  init_fn: Callable[[tf.train.Scaffold, tf.Session], None] | None = None,
  more_hooks: Iterable[tf.train.SessionRunHook] = (),
) -> tf.train.MonitoredSession:
  """Return the session in which the steps run.

  Args:
    config: the TrainConfig.
    graph: the TrainGraph, built in the default graph.
    replica: this process.
    saver: restores and saves checkpoints.
    init_fn: gives the variables of a new run their values after their
      initializers, or None.
    more_hooks: session hooks that run before all others.
  """
  _limit_memory_pools()
  scaffold = tf.train.Scaffold(
    init_fn=init_fn, saver=saver, summary_op=graph.summary_op
  )
  creator = sessions.creator(replica, scaffold, session_config(config))
  return tf.train.MonitoredSession(
    creator, hooks=[*more_hooks, *_hooks(config, graph, scaffold, replica)]
  )


class CallOnce(tf.train.SessionRunHook):
  """Calls a function once the variables of the first session have values."""

  def __init__(self, function: Callable[[], None]):
    self._function = function

  def after_create_session(
    self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    """Call the function, but not again after a recovery."""
    del session, coord
    if self._function:
      self._function()
    self._function = None


def _hooks(config, graph, scaffold, replica):
  """Return the session hooks. The first one checks the loss before all others.

  The order matters: what follows must not save a step that went wrong.
  """
  events = None
  if replica.is_chief and config.save_summaries_secs:
    events = tf.summary.FileWriterCache.get(config.train_dir)
  result = [
    log_hook.ProgressLog(
      graph.progress,
      config.effective_batch,
      config.log_every_n_steps,
      config.max_number_of_steps,
      events,
    ),
    stop_hooks.StopOnSignal(replica.stopper),
  ]
  if config.max_number_of_steps is not None:
    result += [
      stop_hooks.StopIfDone(config.max_number_of_steps),
      tf.train.StopAtStepHook(last_step=config.max_number_of_steps),
    ]
  if replica.is_chief:
    result += _chief_hooks(config, scaffold, events)
  return result


def _chief_hooks(config, scaffold, events):
  """Return the hooks of the one process that writes the train_dir."""
  result = [_saver_hook(config, scaffold)]
  if events:
    by_steps = config.save_summaries_steps
    _write_flags(config, events)
    result.append(
      tf.train.SummarySaverHook(
        save_steps=by_steps,
        save_secs=None if by_steps else config.save_summaries_secs,
        summary_writer=events,
        scaffold=scaffold,
      )
    )
  if config.early_stopping_patience:
    result.append(_early_stopping(config))
  if config.profile_steps:
    first, last = map(int, config.profile_steps)
    result.append(profiler_hook.Profiler(config.train_dir, first, last))
  return result


def _saver_hook(config, scaffold):
  """Return the hook that saves at the beginning, in between and at the end."""
  steps, secs = config.save_interval_steps, config.save_interval_secs
  if steps is None and not secs:
    steps = _NEVER
  return tf.train.CheckpointSaverHook(
    config.train_dir,
    save_steps=steps,
    save_secs=None if steps else secs,
    checkpoint_basename=locate.PREFIX,
    scaffold=scaffold,
    listeners=[finite.CheckpointGuard(config.train_dir)],
  )


def _write_flags(config, events):
  """Write the flags as a text to TensorBoard."""
  lines = [
    f'    --{name}={value}'
    for name, value in dataclasses.asdict(config).items()
    if value is not None
  ]
  value = tf.make_tensor_proto('\n'.join(lines), dtype=tf.string)
  metadata = tf.SummaryMetadata(
    plugin_data=tf.SummaryMetadata.PluginData(plugin_name='text')
  )
  events.add_summary(
    tf.Summary(
      value=[tf.Summary.Value(tag='flags', tensor=value, metadata=metadata)]
    )
  )


def _early_stopping(config):
  """Return the hook that reads the accuracies of a parallel evaluation."""
  folder = config.early_stopping_dir or files.join(config.train_dir, 'eval')
  logging.info(
    'Early stopping reads the accuracies of an evaluation from %s: run '
    'eval_image_classifier.py beside this training, with --eval_dir=%s and '
    '--eval_interval_secs.',
    folder,
    folder,
  )

  def accuracies():
    return [entry['Accuracy'] for entry in history.read(folder)]

  return stop_hooks.EarlyStopping(accuracies, config.early_stopping_patience)

"""The session of a training run: its options, devices and hooks."""

import ctypes
import dataclasses
import os

import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.checkpoints import locate
from deployment.cluster import sessions
from deployment.evaluation import history
from deployment.training import acceleration, hooks
from slim_support import cores

_M_ARENA_MAX = -8  # of glibc's malloc.h


def deployment(config) -> model_deploy.DeploymentConfig:
  """Returns the clones, replicas and parameter servers of a TrainConfig."""
  return model_deploy.DeploymentConfig(
    num_clones=config.num_clones,
    clone_on_cpu=config.clone_on_cpu,
    replica_id=config.task,
    num_replicas=config.worker_replicas,
    num_ps_tasks=config.num_ps_tasks,
  )


def session_config(config) -> tf.ConfigProto:
  """Returns the session's options."""
  result = tf.ConfigProto(allow_soft_placement=True)
  if config.clone_on_cpu:
    result.device_count['CPU'] = config.num_clones
  result.gpu_options.allow_growth = config.gpu_memory_growth
  acceleration.configure(config, result)
  return result


def _share_memory_pools():
  """Lets the C library keep no more pools of memory than there are cores.

  It would keep eight a core, and each grows to the largest images that its
  threads happen to decode: 100 MB more on two cores, at no gain in speed. Other
  C libraries than glibc have no such pools.
  """
  if 'MALLOC_ARENA_MAX' not in os.environ:
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt:
      mallopt(_M_ARENA_MAX, cores.usable_cores())


def open_session(
  config, graph, replica, *, init_fn=None, more_hooks=()
) -> tf.train.MonitoredSession:
  """Returns the session in which the steps run.

  Args:
    config: the TrainConfig.
    graph: the TrainGraph, built in the default graph.
    replica: the replica.Replica.
    init_fn: fn(scaffold, session) that gives the variables their first values
      after their initializers, or None.
    more_hooks: session hooks that come before all others.
  """
  _share_memory_pools()
  saver = tf.train.Saver(
    max_to_keep=config.max_checkpoints_to_keep,
    keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours,
    save_relative_paths=True,
  )
  scaffold = tf.train.Scaffold(
    init_fn=init_fn, saver=saver, summary_op=graph.summary_op
  )
  creator = sessions.creator(replica, scaffold, session_config(config))
  return tf.train.MonitoredSession(
    creator, hooks=[*more_hooks, *_hooks(config, graph, scaffold, replica)]
  )


def _hooks(config, graph, scaffold, replica):
  """Returns the session hooks; the order matters, the loss is checked first."""
  events = None
  if replica.is_chief and config.save_summaries_secs:
    events = tf.summary.FileWriterCache.get(config.train_dir)
  result = [
    hooks.Progress(
      graph.progress,
      config.effective_batch,
      config.log_every_n_steps,
      config.max_number_of_steps,
      events,
    ),
    hooks.StopRequested(replica.stopper),
  ]
  if config.max_number_of_steps is not None:
    result += [
      hooks.StopIfDone(config.max_number_of_steps),
      tf.train.StopAtStepHook(last_step=config.max_number_of_steps),
    ]
  if replica.is_chief:
    result += _chief_hooks(config, scaffold, events)
  return result


def _chief_hooks(config, scaffold, events):
  """Returns the hooks of the one process that writes the train_dir."""
  result = [
    tf.train.CheckpointSaverHook(
      config.train_dir,
      save_steps=config.save_interval_steps,
      save_secs=None
      if config.save_interval_steps
      else config.save_interval_secs,
      checkpoint_basename=locate.PREFIX,
      scaffold=scaffold,
      listeners=[hooks.FiniteOnly()],
    ),
  ]
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
    result.append(_early_stop(config))
  if config.profile_steps:
    first, last = map(int, config.profile_steps)
    result.append(hooks.Profile(config.train_dir, first, last))
  return result


def _write_flags(config, events):
  """Writes the flags as a text to TensorBoard."""
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


def _early_stop(config):
  """Returns the hook that reads the accuracies of a following evaluation."""
  folder = config.early_stopping_dir or os.path.join(config.train_dir, 'eval')

  def accuracies():
    return [entry['Accuracy'] for entry in history.read(folder)]

  return hooks.EarlyStop(accuracies, config.early_stopping_patience)

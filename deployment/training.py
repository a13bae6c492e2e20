"""Training: builds the graph, runs the steps, loses nothing on the way."""

import contextlib
import ctypes
import dataclasses
import math
import os

import tensorflow.compat.v1 as tf
from absl import logging

import slim_errors
from datasets import dataset_factory
from deployment import (
  acceleration,
  checkpoints,
  eval_report,
  failures,
  hooks,
  inputs,
  membership,
  model_deploy,
  records,
  run_record,
  sessions,
  train_graph,
  warm_start,
)

_M_ARENA_MAX = -8  # of glibc's malloc.h


def train(config, cluster=None) -> int:
  """Trains as the configuration says.

  Args:
    config: a deployment.config.TrainConfig.
    cluster: a deployment.cluster.Cluster in which this process is a worker;
      None where it trains alone or on servers started elsewhere.

  Returns:
    The exit status: 0 when the last step was reached, 128 + the number of the
    signal that stopped the run; its checkpoint is saved in either case.

  Raises:
    UserError: if something is wrong that the user can mend.
  """
  if cluster:
    config = cluster.apply(config)
  with hooks.Stopper() as stopper, contextlib.ExitStack() as stack:
    replica = sessions.Replica(config, cluster, stopper)
    latest = _open_train_dir(config, stack) if replica.is_chief else None
    dataset = dataset_factory.get_dataset(
      config.dataset_name, config.dataset_split_name, config.dataset_dir
    )
    inputs.check_not_empty(dataset)
    config = _with_last_step(_with_devices(config), dataset.num_samples)
    acceleration.check(config)
    if config.cache_dataset == 'disk':
      dataset = records.on_disk(dataset, config.cache_dir)
    if latest:
      run_record.check_same_run(config)
    _announce(config, dataset, latest)
    replica.start_server(session_config(config))
    stack.enter_context(tf.Graph().as_default())
    tf.set_random_seed(config.random_seed)
    graph = train_graph.build(config, deployment(config), dataset)
    init_fn = None
    if replica.is_chief:
      run_record.write(config, graph.num_classes, dataset.labels_to_names)
      if not latest:
        init_fn = warm_start.init_fn(config, graph.num_classes)
    with (
      membership.taking_part(replica, graph.sync) as member_hooks,
      failures.explained(dataset, config.train_dir),
    ):
      _run(config, graph, replica, init_fn=init_fn, member_hooks=member_hooks)
    if replica.is_chief and stopper.signal is None:
      run_record.mark_finished(config.train_dir)
  return stopper.status


def _open_train_dir(config, stack):
  """Takes the train_dir for this process; returns its newest checkpoint."""
  run_record.make_folder('train_dir', config.train_dir)
  stack.enter_context(run_record.exclusive(config.train_dir))
  run_record.mark_unfinished(config.train_dir)
  return checkpoints.repair(config.train_dir)


def deployment(config) -> model_deploy.DeploymentConfig:
  """Returns the clones, replicas and parameter servers of a TrainConfig."""
  return model_deploy.DeploymentConfig(
    num_clones=config.num_clones,
    clone_on_cpu=config.clone_on_cpu,
    replica_id=config.task,
    num_replicas=config.worker_replicas,
    num_ps_tasks=config.num_ps_tasks,
  )


def _with_devices(config):
  """Puts the clones on the CPU if there is no GPU, and says so."""
  if config.clone_on_cpu or config.master:
    return config
  gpus = len(tf.config.list_physical_devices('GPU'))
  if not gpus:
    logging.info('No GPU here: training on the CPU.')
    return dataclasses.replace(config, clone_on_cpu=True)
  if config.num_clones > gpus:
    raise slim_errors.UserError(
      f'--num_clones={config.num_clones}: there are {gpus} GPUs. Say '
      f'--num_clones={gpus}, or --clone_on_cpu.'
    )
  return config


def _with_last_step(config, num_samples):
  """Turns --max_epochs into --max_number_of_steps."""
  if config.max_epochs is None:
    return config
  if config.max_number_of_steps is not None:
    raise slim_errors.UserError(
      'Say --max_epochs or --max_number_of_steps, not both.'
    )
  steps = math.ceil(config.max_epochs * num_samples / config.effective_batch)
  return dataclasses.replace(config, max_number_of_steps=max(1, steps))


def _announce(config, dataset, latest):
  """Logs what is about to be trained, and from where it starts."""
  logging.info(
    'Training %s on %s %s (%d images); effective batch %d images: %d x %d '
    'clones x %d replicas.',
    config.model_name,
    config.dataset_name,
    config.dataset_split_name,
    dataset.num_samples,
    config.effective_batch,
    config.batch_size,
    config.num_clones,
    config.gradients_per_step,
  )
  if config.worker_replicas > 1:
    logging.info(
      'Worker %d of %d, %s.',
      config.task,
      config.worker_replicas,
      'synchronous' if config.sync_replicas else 'asynchronous',
    )
  if latest:
    logging.warning('Going on from %s.', latest)
  if latest and config.checkpoint_path:
    logging.warning(
      '--checkpoint_path is not used, because --train_dir holds a checkpoint.'
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
      mallopt(_M_ARENA_MAX, inputs.usable_cores())


def _run(config, graph, replica, *, init_fn, member_hooks):
  """Runs the steps until the last one, a signal, or an early stop."""
  with open_session(
    config, graph, replica, init_fn=init_fn, more_hooks=member_hooks
  ) as session:
    while not session.should_stop():
      session.run(graph.train_op)
  if replica.stopper.signal is None:
    logging.info('Finished training.')


def open_session(
  config, graph, replica, *, init_fn=None, more_hooks=()
) -> tf.train.MonitoredSession:
  """Returns the session in which the steps run.

  Args:
    config: the TrainConfig.
    graph: the TrainGraph, built in the default graph.
    replica: the sessions.Replica.
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
      hooks.AlreadyThere(config.max_number_of_steps),
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
      checkpoint_basename=checkpoints.PREFIX,
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
    return [entry['Accuracy'] for entry in eval_report.read_history(folder)]

  return hooks.EarlyStop(accuracies, config.early_stopping_patience)

"""Training: builds the graph, runs the steps, loses nothing on the way."""

import contextlib
import dataclasses
import math

import tensorflow.compat.v1 as tf
from absl import logging

from datasets import dataset_factory
from deployment.checkpoints import fine_tuning, repair, run_folder
from deployment.cluster import membership
from deployment.cluster.replica import Replica
from deployment.command_line import data_config
from deployment.inputs import failures, local_copy
from deployment.training import acceleration, train_graph, train_session
from slim_support import errors, files, signals


def train(config, cluster=None) -> int:
  """Trains as the configuration says.

  Args:
    config: a deployment.training.config.TrainConfig.
    cluster: the members.Cluster in which this process is a worker; None where
      it trains alone or on servers started elsewhere.

  Returns:
    The exit status: 0 when the last step was reached, 128 + the number of the
    signal that stopped the run; its checkpoint is saved in either case.

  Raises:
    UserError: if something is wrong that the user can mend.
  """
  if cluster:
    config = cluster.apply(config)
  with signals.Stopper() as stopper, contextlib.ExitStack() as stack:
    replica = Replica(config, cluster, stopper)
    latest = _open_train_dir(config, stack) if replica.is_chief else None
    dataset = dataset_factory.get_dataset(
      config.dataset_name, config.dataset_split_name, config.dataset_dir
    )
    failures.check_not_empty(dataset)
    data_config.check_labels_offset(config, dataset.num_classes)
    config = _with_last_step(_with_devices(config), dataset.num_samples)
    acceleration.check(config)
    if config.cache_dataset == 'disk':
      dataset = local_copy.on_disk(dataset, config.cache_dir)
    if latest:
      run_folder.check_same_run(config)
    _announce(config, dataset, latest)
    replica.start_server(train_session.session_config(config))
    stack.enter_context(tf.Graph().as_default())
    tf.set_random_seed(config.random_seed)
    graph = train_graph.build(config, train_session.deployment(config), dataset)
    init_fn = None
    if replica.is_chief:
      run_folder.write_run(
        config,
        graph.num_classes,
        dataset.labels_to_names,
        channels=graph.channels,
      )
      if not latest:
        init_fn = fine_tuning.init_fn(config, graph.num_classes)
    with (
      membership.taking_part(replica, graph.sync) as member_hooks,
      failures.explained(dataset, config.train_dir),
    ):
      _run(config, graph, replica, init_fn=init_fn, member_hooks=member_hooks)
    if replica.is_chief and stopper.signal is None:
      run_folder.mark_finished(config.train_dir)
  return stopper.status


def _open_train_dir(config, stack):
  """Takes the train_dir for this process; returns its newest checkpoint."""
  files.make_folder('train_dir', config.train_dir)
  stack.enter_context(run_folder.exclusive(config.train_dir))
  run_folder.mark_unfinished(config.train_dir)
  return repair.repair(config.train_dir)


def _with_devices(config):
  """Puts the clones on the CPU if there is no GPU, and says so."""
  if config.clone_on_cpu or config.master:
    return config
  gpus = len(tf.config.list_physical_devices('GPU'))
  if not gpus:
    logging.info('No GPU here: training on the CPU.')
    return dataclasses.replace(config, clone_on_cpu=True)
  if config.num_clones > gpus:
    raise errors.UserError(
      f'--num_clones={config.num_clones}: there are {gpus} GPUs. Say '
      f'--num_clones={gpus}, or --clone_on_cpu.'
    )
  return config


def _with_last_step(config, num_samples):
  """Turns --max_epochs into --max_number_of_steps."""
  if config.max_epochs is None:
    return config
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


def _run(config, graph, replica, *, init_fn, member_hooks):
  """Runs the steps until the last one, a signal, or an early stop."""
  with train_session.open_session(
    config, graph, replica, init_fn=init_fn, more_hooks=member_hooks
  ) as session:
    while not session.should_stop():
      session.run(graph.train_op)
  if replica.stopper.signal is None:
    logging.info('Finished training.')

"""The training loop: open the train_dir, build the graph, run the steps."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from datasets import dataset_factory
from deployment.checkpoints import fine_tuning, repair, resume, run_folder
from deployment.cluster import members, worker_hook
from deployment.cluster.replica import Replica
from deployment.command_line import data_config, server
from deployment.inputs import failures, input_spec, local_copy, shard_files
from deployment.training import (
  acceleration,
  finite,
  train_graph,
  train_session,
)
from slim_support import errors, files, signals, targets


def train(config: Any, cluster: members.Cluster | None = None) -> int:
  """Train a network.

  Args:
    config: a deployment.training.config.TrainConfig.
    cluster: the cluster in which this process is a worker; None where it trains
      alone or on servers started elsewhere.

  Returns:
    The exit status: 0 when the last step was reached, 128 + the number of the
    signal that stopped the run. The last step is saved in either case.

  Raises:
    UserError: if something is wrong that the user can fix.
  """
  if cluster:
    config = cluster.apply(config)
  with signals.Stopper() as stopper, contextlib.ExitStack() as stack:
    replica = Replica(config, cluster, stopper)
    latest = _open_train_dir(config, stack) if replica.is_chief else None
    config, dataset = _open_dataset(config)
    _check(config, dataset, resumed=latest is not None)
    _announce(config, dataset, latest)
    server.wait(config.master, config.cluster_timeout_secs, replica.interrupted)
    if replica.interrupted():
      return stopper.status
    _start(config, replica)
    stack.enter_context(tf.Graph().as_default())
    tf.set_random_seed(config.random_seed)
    graph = train_graph.build(config, train_session.deployment(config), dataset)
    start = _start_values(config, graph, latest, replica)
    record = _recorder(config, graph, dataset, replica)
    with (
      _report_removed_folder(config.train_dir),
      worker_hook.worker_hooks(replica, graph.sync) as member_hooks,
      failures.explained(dataset, config.train_dir),
      finite.report_summaries(),
    ):
      _run(config, graph, replica, start, [*member_hooks, *record])
    if replica.is_chief and stopper.signal is None:
      run_folder.mark_finished(config.train_dir)
  return stopper.status


def _open_train_dir(config, stack):
  """Lock the train_dir for this process; return its newest checkpoint."""
  targets.make_folder('train_dir', config.train_dir)
  stack.enter_context(run_folder.exclusive(config.train_dir))
  return repair.repair(config.train_dir)


def _open_dataset(config):
  """Return the TrainConfig with what depends on machine and data, the data."""
  dataset = dataset_factory.get_dataset(
    config.dataset_name, config.dataset_split_name, config.dataset_dir
  )
  shard_files.checked_files(dataset)
  config = _with_last_step(_with_devices(config), dataset.num_samples)
  if config.cache_dataset == 'disk':
    dataset = local_copy.on_disk(dataset, config.cache_dir)
  return config, dataset


def _check(config, dataset, *, resumed):
  """Raise UserError for flags that cannot work here or on this train_dir."""
  data_config.check_labels_offset(config, dataset.num_classes)
  acceleration.check(config)
  if resumed:
    spec = input_spec.from_config(config, dataset, config.train_image_size)
    run_folder.check_same_run(
      config, spec.num_classes, spec.channels, dataset.labels_to_names
    )
  elif config.checkpoint_exclude_scopes and not config.checkpoint_path:
    logging.warning(
      '--checkpoint_exclude_scopes is not used without --checkpoint_path.'
    )


def _with_devices(config):
  """Put the clones on the CPU if there is no GPU, and log it."""
  if config.clone_on_cpu or config.master:
    return config
  gpus = len(tf.config.list_physical_devices('GPU'))
  if not gpus:
    logging.info('No GPU found: training on the CPU.')
    return dataclasses.replace(config, clone_on_cpu=True)
  if config.num_clones > gpus:
    raise errors.UserError(
      f'--num_clones={config.num_clones}: this machine has {gpus} GPUs. Use '
      f'--num_clones={gpus} or fewer, or --clone_on_cpu.'
    )
  return config


def _with_last_step(config, num_samples):
  """Turn --max_epochs into --max_number_of_steps."""
  if config.max_epochs is None:
    return config
  steps = math.ceil(config.max_epochs * num_samples / config.effective_batch)
  return dataclasses.replace(
    config, max_epochs=None, max_number_of_steps=max(1, steps)
  )


def _announce(config, dataset, latest):
  """Log what will be trained, and from where it starts."""
  logging.info(
    'Training %s on %s %s (%d images); effective batch of %d images: %d x %d '
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
  if not latest:
    return
  logging.warning('Resuming from %s.', latest)
  changed = run_folder.changed_flags(config)
  if changed:
    logging.warning(
      'Flags that differ from the last run: %s', '; '.join(changed)
    )
  if config.checkpoint_path:
    logging.warning(
      '--checkpoint_path is not used, because --train_dir holds a checkpoint.'
    )


def _start(config, replica):
  """Start the server of this process; followers see that training goes on."""
  if replica.is_chief:
    run_folder.mark_unfinished(config.train_dir)
  replica.start_server(train_session.session_config(config))


def _start_values(config, graph, latest, replica):
  """Return the arguments of `open_session` that give variables their values.

  Raises:
    UserError: if a checkpoint does not fit.
  """
  saver = resume.saver(
    config,
    latest,
    max_to_keep=config.max_checkpoints_to_keep,
    keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours,
    save_relative_paths=True,
  )
  init_fn = None
  if replica.is_chief and not latest:
    init_fn = fine_tuning.init_fn(config, graph.num_classes)
  return {'saver': saver, 'init_fn': init_fn}


def _recorder(config, graph, dataset, replica):
  """Return the hooks that write run.json once the weights are restored."""
  if not replica.is_chief:
    return []
  return [
    train_session.CallOnce(
      lambda: run_folder.write_run(
        config, graph.num_classes, graph.channels, dataset.labels_to_names
      )
    )
  ]


@contextlib.contextmanager
def _report_removed_folder(train_dir: str) -> Iterator[None]:
  """Turn the failures that follow the removal of the train_dir into a sentence.

  Raises:
    UserError: in place of what TensorFlow or the file system raised.
  """
  try:
    yield
  except errors.UserError:
    raise
  except (tf.errors.OpError, OSError, ValueError) as error:
    if files.is_folder(train_dir):
      raise
    raise errors.UserError(
      f'{train_dir} was removed during the training, so nothing more can be '
      'saved. Start the training again.'
    ) from error


def _run(config, graph, replica, start, more_hooks):
  """Run the steps until the last one, a signal, or early stopping."""
  with train_session.open_session(
    config, graph, replica, **start, more_hooks=more_hooks
  ) as session:
    while not session.should_stop():
      session.run(graph.train_op)
  if replica.stopper.signal is None:
    logging.info('Finished training.')

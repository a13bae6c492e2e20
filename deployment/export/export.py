"""Export a network: GraphDef, frozen GraphDef, SavedModel, TFLite, ONNX."""

import itertools
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from datasets import reading
from deployment.checkpoints import locate, restore, run_folder
from deployment.command_line import gpu_memory
from deployment.export import (
  exported_files,
  frozen_graph,
  inference_graph,
  model_metadata,
  onnx_model,
  sample_images,
  saved_model,
  tflite,
  verify,
)
from deployment.export.config import ExportConfig
from slim_support import errors, files, output, targets

# Frozen graphs and the checks hold a whole batch in memory.
_MOST_BATCH_BYTES = 2**31


def export(options: ExportConfig) -> dict[str, Any]:
  """Export as the configuration says, and print what a user has to know.

  Args:
    options: the configuration.

  Returns:
    The metadata, see `model_metadata.describe`.

  Raises:
    UserError: if something is wrong that the user can fix.
  """
  if options.gpu_memory_growth:
    gpu_memory.allocate_as_needed()
  checkpoint = None
  if options.checkpoint_path:
    checkpoint = locate.resolve(options.checkpoint_path)
  _check_targets(options, checkpoint)
  network = inference_graph.build(
    options,
    model_metadata.num_classes(options, checkpoint),
    model_metadata.channels(options, checkpoint),
  )
  metadata = model_metadata.describe(options, network, checkpoint)
  frozen = None
  if options.with_weights:
    _check_batch_size(options, network)
    frozen = _freeze(options, network, checkpoint)
  if options.output_file:
    graph = inference_graph.serialize(network, options.write_text_graphdef)
    exported_files.write(options.output_file, graph, metadata)
  if frozen is not None:
    _write_frozen(options, frozen, metadata)
  output.print_line(model_metadata.format_text(metadata))
  _print_written(options, metadata)
  if options.verify:
    rows = verify.verify(options, metadata)
    output.print_line(verify.format_table(rows))
    verify.check(rows)
  return metadata


def _check_targets(options, checkpoint):
  """Raise UserError for what would fail only after the work is done."""
  written = []
  for flag, path in options.outputs:
    written.append((flag, path))
    if flag == 'saved_model_dir':
      targets.check_new_folder(flag, path)
      continue
    targets.check_writable(flag, path)
    beside = exported_files.metadata_path(path)
    targets.check_writable(flag, beside)
    exported_files.check_is_metadata(flag, beside)
    written.append((flag, beside))
  targets.check_distinct(written)
  targets.check_keeps(written, _inputs(options, checkpoint))
  if options.onnx_file:
    onnx_model.check_installed()


def _inputs(options, checkpoint):
  """Return path -> what it is, for every file that must stay as it is."""
  found = {}
  if checkpoint:
    folder, name = os.path.split(checkpoint)
    found[options.checkpoint_path] = 'the checkpoint'
    for path in files.glob(folder or '.', '*'):
      if os.path.basename(path).startswith(name):
        found[path] = 'the checkpoint'
    for own in ('checkpoint', run_folder.RUN_FILE):
      found[files.join(folder or '.', own)] = f'{own} of the checkpoint'
  if options.dataset_dir and files.is_folder(options.dataset_dir):
    for path in files.glob(options.dataset_dir, '*'):
      if not files.is_folder(path):
        found[path] = 'a file of the data set'
  return found


def _check_batch_size(options, network):
  """Raise UserError if a batch of images would not fit in memory."""
  image_bytes = 4 * math.prod(network.images.shape.as_list()[1:])
  most = max(1, _MOST_BATCH_BYTES // image_bytes)
  if options.batch_size and options.batch_size > most:
    raise errors.UserError(
      f'--batch_size={options.batch_size}: such a batch of images needs '
      f'{options.batch_size * image_bytes / 2**30:.0f} GiB. Use '
      f'--batch_size={most} or less.'
    )


def _freeze(options, network, checkpoint):
  """Return the frozen GraphDef of the network with the checkpoint's weights."""
  with tf.Session(graph=network.graph) as session:
    restore.restore(session, checkpoint, bool(options.moving_average_decay))
    return frozen_graph.freeze(
      session,
      [network.output, network.logits.op.name],
      [network.images.op.name],
    )


def _write_frozen(options, frozen, metadata):
  """Write the frozen network in every form asked for."""
  if options.frozen_file:
    exported_files.write(
      options.frozen_file, frozen.SerializeToString(), metadata
    )
  if options.saved_model_dir:
    saved_model.write(options.saved_model_dir, frozen, metadata)
  if options.tflite_file:
    tflite.write(
      options.tflite_file,
      frozen,
      metadata,
      quantize=options.tflite_quantize,
      calibration=lambda: _calibration(options, metadata),
    )
  if options.onnx_file:
    onnx_model.write(options.onnx_file, frozen, metadata)


def _calibration(options, metadata) -> Iterator[np.ndarray]:
  """Yield prepared training images of the data set for int8."""
  dataset = sample_images.find_dataset(options, training=True)
  if dataset is None:
    raise errors.UserError(
      f'{options.dataset_dir} has no training images of '
      f'{options.dataset_name} to calibrate int8 with.'
    )
  logging.info('Calibrating int8 on %d images.', options.calibration_images)
  records = itertools.islice(
    reading.records(dataset), options.calibration_images
  )
  yield from sample_images.prepared((r.encoded for r in records), metadata)


def _print_written(options, metadata):
  """Print the files, and how to freeze the GraphDef."""
  for _, path in options.outputs:
    output.print_line(f'{"Written:":10}{path} ({_megabytes(path):.1f} MB)')
  if options.output_file and not options.is_training:
    command = inference_graph.freeze_command(
      options.output_file,
      options.write_text_graphdef,
      metadata['checkpoint'],
      metadata['output']['name'],
    )
    output.print_line(f'To freeze the graph with a checkpoint:\n\n{command}\n')


def _megabytes(path):
  """Return the size of a file or a folder in megabytes."""
  if not files.is_folder(path):
    return files.size(path) / 1e6
  inside = (files.join(path, name) for name in files.list_folder(path))
  return sum(_megabytes(name) for name in inside)

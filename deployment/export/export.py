"""From a trained network to files that other programs run."""

import os

import tensorflow.compat.v1 as tf
from absl import logging

from datasets import reading
from deployment.checkpoints import locate, restore
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
from slim_support import errors, files


def export(options) -> dict:
  """Exports as the configuration says, and prints what a user has to know.

  Args:
    options: a deployment.export.config.ExportConfig.

  Returns:
    The metadata, see `model_metadata.describe`.

  Raises:
    UserError: if something is wrong that the user can mend.
  """
  _check(options)
  checkpoint = None
  if options.checkpoint_path:
    checkpoint = locate.resolve(options.checkpoint_path)
  network = inference_graph.build(
    options,
    model_metadata.num_classes(options, checkpoint),
    model_metadata.channels(options, checkpoint),
  )
  metadata = model_metadata.describe(options, network, checkpoint)
  if options.output_file:
    graph = inference_graph.serialize(network, options.write_text_graphdef)
    exported_files.write(options.output_file, graph, metadata)
  if options.with_weights:
    _write_with_weights(options, network, metadata)
  print(model_metadata.report(metadata))
  _print_written(options, metadata)
  if options.verify:
    rows = verify.verify(options, metadata)
    print(verify.report(rows, options.verify_images))
    verify.check(rows)
  return metadata


def _check(options):
  """Raises UserError for what would fail only after the work is done."""
  for flag in ('output_file', 'frozen_file', 'tflite_file', 'onnx_file'):
    if getattr(options, flag):
      files.check_writable(flag, getattr(options, flag))
  if options.saved_model_dir:
    files.check_new_folder('saved_model_dir', options.saved_model_dir)
  if options.onnx_file:
    onnx_model.check_installed()


def _write_with_weights(options, network, metadata):
  """Freezes the network once and writes it in every form asked for."""
  with tf.Session(graph=network.graph) as session:
    restore.restore(
      session, metadata['checkpoint'], bool(options.moving_average_decay)
    )
    frozen = frozen_graph.freeze(
      session,
      [network.output, network.logits.op.name],
      [network.images.op.name],
    )
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
      calibration=_calibration(options, metadata),
    )
  if options.onnx_file:
    onnx_model.write(options.onnx_file, frozen, metadata)


def _calibration(options, metadata):
  """Returns prepared images of the data set for int8, else none."""
  if options.tflite_quantize != 'int8':
    return ()
  dataset = sample_images.dataset_of(options, training=True)
  if dataset is None:
    raise errors.UserError(
      f'{options.dataset_dir} has no training images of '
      f'{options.dataset_name} to calibrate int8 with.'
    )
  encoded = reading.first_images(dataset, options.calibration_images)
  logging.info('Calibrating int8 on %d images.', len(encoded))
  return sample_images.prepare(encoded, metadata)


def _print_written(options, metadata):
  """Prints the files, and how to freeze the GraphDef."""
  names = ('output_file', 'frozen_file', 'saved_model_dir', 'tflite_file')
  for name in (*names, 'onnx_file'):
    path = getattr(options, name)
    if path:
      print(f'{"Written:":10}{path} ({_size(path):.1f} MB)')
  if options.output_file and not options.is_training:
    command = inference_graph.freeze_command(
      options.output_file,
      options.write_text_graphdef,
      metadata['checkpoint'],
      metadata['output']['name'],
    )
    print(f'To freeze the graph with a checkpoint:\n\n{command}\n')


def _size(path):
  """Returns the size of a file or folder in megabytes."""
  if os.path.isfile(path):
    return os.path.getsize(path) / 1e6
  return (
    sum(
      os.path.getsize(os.path.join(folder, name))
      for folder, _, names in os.walk(path)
      for name in names
    )
    / 1e6
  )

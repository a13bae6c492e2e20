"""From a trained network to files that other programs run."""

import os

import tensorflow.compat.v1 as tf
from absl import logging

import slim_errors
from deployment import (
  checkpoints,
  export_files,
  export_frozen,
  export_graph,
  export_metadata,
  export_onnx,
  export_savedmodel,
  export_tflite,
  export_verify,
  sample_images,
)


def export(options) -> dict:
  """Exports as the configuration says, and prints what a user has to know.

  Args:
    options: a deployment.config.ExportConfig.

  Returns:
    The metadata, see `export_metadata.describe`.

  Raises:
    UserError: if something is wrong that the user can mend.
  """
  _check(options)
  checkpoint = None
  if options.checkpoint_path:
    checkpoint = checkpoints.resolve(options.checkpoint_path)
  network = export_graph.build(
    options, export_metadata.num_classes(options, checkpoint)
  )
  metadata = export_metadata.describe(options, network, checkpoint)
  if options.output_file:
    graph = export_graph.serialize(network, options.write_text_graphdef)
    export_files.write(options.output_file, graph, metadata)
  if options.with_weights:
    _write_with_weights(options, network, metadata)
  print(export_metadata.report(metadata))
  _print_written(options, metadata)
  if options.verify:
    rows = export_verify.verify(options, metadata)
    print(export_verify.report(rows, options.verify_images))
    export_verify.check(rows)
  return metadata


def _check(options):
  """Raises UserError for what would fail only after the work is done."""
  for flag in ('output_file', 'frozen_file', 'tflite_file', 'onnx_file'):
    if getattr(options, flag):
      export_files.check_writable(flag, getattr(options, flag))
  if options.saved_model_dir:
    export_files.check_new_folder('saved_model_dir', options.saved_model_dir)
  if options.onnx_file:
    export_onnx.check_installed()


def _write_with_weights(options, network, metadata):
  """Freezes the network once and writes it in every form asked for."""
  with tf.Session(graph=network.graph) as session:
    export_frozen.restore(
      session, metadata['checkpoint'], bool(options.moving_average_decay)
    )
    frozen = export_frozen.freeze(
      session,
      [network.output, network.logits.op.name],
      [network.images.op.name],
    )
  if options.frozen_file:
    export_files.write(
      options.frozen_file, frozen.SerializeToString(), metadata
    )
  if options.saved_model_dir:
    export_savedmodel.write(options.saved_model_dir, frozen, metadata)
  if options.tflite_file:
    export_tflite.write(
      options.tflite_file,
      frozen,
      metadata,
      quantize=options.tflite_quantize,
      calibration=_calibration(options, metadata),
    )
  if options.onnx_file:
    export_onnx.write(options.onnx_file, frozen, metadata)


def _calibration(options, metadata):
  """Returns prepared images of the data set for int8, else none."""
  if options.tflite_quantize != 'int8':
    return ()
  files = sample_images.files_of(options, training=True)
  if not files:
    raise slim_errors.UserError(
      f'{options.dataset_dir} has no training images of '
      f'{options.dataset_name} to calibrate int8 with.'
    )
  encoded = sample_images.first(files, options.calibration_images)
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
    command = export_graph.freeze_command(
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

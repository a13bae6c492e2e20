"""Write a SavedModel that takes images, prepared or as files.

    model = tf.saved_model.load(folder)
    model.signatures['serving_default'](images=...)
    model.signatures['serving_bytes'](image_bytes=...)

Both give `probabilities`, float32 [batch, classes], and `classes`, int64
[batch], the most probable class. The second signature decodes and prepares the
images as evaluation does, so that a server cannot prepare them in another way.
"""

from typing import Any

import tensorflow.compat.v1 as tf
from tensorflow.python.util import deprecation

from deployment.export import exported_files, model_metadata
from slim_support import errors, files

PREPARED = tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
ENCODED = 'serving_bytes'


def write(path: str, frozen: tf.GraphDef, metadata: dict[str, Any]) -> None:
  """Write the SavedModel, its metadata in assets.extra/metadata.json.

  Args:
    path: the folder, which appears whole or not at all.
    frozen: the network, see `frozen_graph.freeze`.
    metadata: see `model_metadata.describe`.

  Raises:
    UserError: if the folder cannot be written.
  """
  with tf.Graph().as_default(), tf.Session() as session:
    signatures = _build(frozen, metadata)
    with files.new_folder(path) as folder:
      _save(session, signatures, folder)
      exported_files.write_metadata_into(folder, metadata)


def _save(session, signatures, folder):
  """Write the session's graph; TensorFlow's errors become OSErrors."""
  with deprecation.silence():
    try:
      builder = tf.saved_model.builder.SavedModelBuilder(folder)
      builder.add_meta_graph_and_variables(
        session,
        [tf.saved_model.tag_constants.SERVING],
        signature_def_map=signatures,
        strip_default_attrs=True,
      )
      builder.save()
    except tf.errors.OpError as error:
      raise errors.as_os_error(error) from error


def _build(frozen, metadata):
  """Build the graph; return name -> SignatureDef.

  The prepared images are a placeholder whose default is computed from the
  image files, so one network serves both signatures.
  """
  preparation = model_metadata.preparation(metadata)
  shape = metadata['input']['shape']
  encoded = tf.placeholder(tf.string, shape[:1], name='image_bytes')
  prepare = tf.autograph.experimental.do_not_convert(preparation.apply)
  prepared = tf.map_fn(prepare, encoded, fn_output_signature=tf.float32)
  prepared.set_shape(shape)
  images = tf.placeholder_with_default(prepared, shape, name='images')
  network = tf.GraphDef()
  network.CopyFrom(frozen)
  _remove(network, metadata['input']['name'])
  (probabilities,) = tf.import_graph_def(
    network,
    {f'{metadata["input"]["name"]}:0': images},
    [f'{metadata["output"]["name"]}:0'],
    name='',
  )
  outputs = {
    'probabilities': probabilities,
    'classes': tf.argmax(probabilities, axis=1, name='classes'),
  }
  with deprecation.silence():
    return {
      PREPARED: _signature({'images': images}, outputs),
      ENCODED: _signature({'image_bytes': encoded}, outputs),
    }


def _remove(graph_def, name):
  kept = [node for node in graph_def.node if node.name != name]
  del graph_def.node[:]
  graph_def.node.extend(kept)


def _signature(inputs, outputs):
  return tf.saved_model.predict_signature_def(inputs, outputs)

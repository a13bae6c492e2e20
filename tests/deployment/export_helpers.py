"""Checkpoints with weights that tell images apart, for the tests of exports.

A freshly initialised network gives every class the same probability, so that
any two exports would agree.
"""

import contextlib
import io

import numpy as np
import tensorflow.compat.v1 as tf

from deployment.export import config as export_config
from deployment.export import export as exporting
from deployment.export import predictors
from nets import nets_factory
from tests.contract import builds, golden

_LOGITS_DEVIATION = 2.0


def gain(name):
  return builds.contract(name).get('golden', {}).get('gain', 2.0)


def checkpoint(name, folder, num_classes=None, images=None):
  """Writes a checkpoint with spread weights.

  Returns its prefix and the probabilities that the network gives images.
  """
  row = nets_factory.network(name)
  images = images_for(name) if images is None else images
  with tf.Graph().as_default(), tf.Session() as session:
    fed = tf.placeholder(tf.float32, [None, *images.shape[1:]])
    network_fn = nets_factory.get_network_fn(name, num_classes or row.classes)
    logits, _ = network_fn(fed)
    load_weights(session, gain(name))
    _calm_classifier(session, logits, {fed: images})
    saver = tf.train.Saver()
    prefix = saver.save(
      session, str(folder / 'model.ckpt'), write_meta_graph=False
    )
    return prefix, session.run(tf.nn.softmax(logits), {fed: images})


def _calm_classifier(session, logits, feed):
  """Scales the last layer until its scores differ, but not by everything.

  Made-up weights let the logits of deep networks grow into the thousands:
  softmax then says 0 or 1, whatever an export does to the network before it.
  """
  factor = _LOGITS_DEVIATION / session.run(logits, feed).std()
  classes = logits.shape.as_list()[1]
  for variable in tf.trainable_variables():
    if variable.shape[-1] == classes and 'aux' not in variable.op.name.lower():
      session.run(variable.assign(variable * factor))
  assert np.isclose(session.run(logits, feed).std(), _LOGITS_DEVIATION)


def load_weights(session, gain):
  """Does what golden.load does, in one run of the session."""
  variables = tf.global_variables()
  session.run(
    [variable.initializer for variable in variables],
    {
      variable.initializer.inputs[1]: golden.weights(
        variable.op.name, variable.shape.as_list(), gain
      )
      for variable in variables
    },
  )


def options(**values):
  values = {'model_name': 'lenet', 'dataset_name': 'digits'} | values
  return export_config.ExportConfig(**values)


def export(**values):
  """Exports; returns the metadata and what was printed."""
  printed = io.StringIO()
  with contextlib.redirect_stdout(printed):
    metadata = exporting.export(options(**values))
  return metadata, printed.getvalue()


def images_for(name, batch=2):
  row = nets_factory.network(name)
  return golden.images(row.image_size, builds.channels(name), batch)


def scores_of(path, images, **nodes):
  return np.asarray(predictors.load(str(path), **nodes)(images))

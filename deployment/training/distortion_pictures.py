"""Pictures for TensorBoard: training images before and after distortion."""

from typing import Any

import tensorflow.compat.v1 as tf

from datasets import reading
from deployment.inputs import pipeline
from deployment.inputs.input_spec import InputSpec
from preprocessing import (
  image_ops,
  inception_preprocessing,
  preprocessing_factory,
)


def add(config: Any, spec: InputSpec) -> None:
  """Add the pictures to the summaries, if the preprocessing is Inception's.

  They show images of their own, one at each summary step, because the images of
  the input pipeline are distorted before they reach the graph.

  Args:
    config: a TrainConfig.
    spec: the data set and the size of the network's images.
  """
  name = preprocessing_factory.family_name(config.preprocessing)
  registry = preprocessing_factory.preprocessing_fn_map
  if name != 'inception' or not registry.is_original(name):
    return
  records = tf.data.TFRecordDataset(reading.list_files(spec.dataset))
  record = pipeline.iterator(records.repeat()).get_next()
  (image,) = spec.dataset.decoder.decode(record, ['image'])
  inception_preprocessing.preprocess_for_train(
    image_ops.set_channels(image, spec.channels),
    spec.image_size,
    spec.image_size,
    bbox=None,
  )

"""InputSpec: which data set goes into which network, and how."""

import dataclasses
import math
from typing import Any

import tensorflow.compat.v1 as tf

from nets import nets_factory
from preprocessing import preprocessing_factory

# --cache_dataset as InputSpec.in_memory; the other values leave it to the size.
_IN_MEMORY = {'memory': True, 'none': False}
_MOST_CACHED_BYTES = 256 * 10**6


@dataclasses.dataclass(frozen=True)
class InputSpec:
  """Everything that turns one data set into one network's batches.

  Attributes:
    dataset: a tf-slim Dataset with the items 'image' and 'label'. Those of this
      library also have `image_key`, `label_key`, `channels` and `image_shape`,
      which allow quicker ways of decoding.
    preprocessing: how the images are prepared, a preprocessing_factory.Parts.
    image_size: height and width of the network's images in pixels.
    channels: 1 or 3; decoded images are converted to it before preprocessing.
    labels_offset: subtracted from every label.
    threads: how many images are preprocessed in parallel; 0 stands for one per
      core.
    readers: how many files are read in parallel; 0 stands for all, up to 16.
    in_memory: whether training caches the data set in memory, small images
      decoded, others as they are stored. None caches small images only, and
      only if all of them fit into 256 MB.
  """

  dataset: Any
  preprocessing: preprocessing_factory.Parts
  image_size: int
  channels: int = 3
  labels_offset: int = 0
  threads: int = 0
  readers: int = 0
  in_memory: bool | None = None

  @property
  def num_classes(self) -> int:
    """Number of classes of the network."""
    return self.dataset.num_classes - self.labels_offset

  @property
  def knows_keys(self) -> bool:
    """Whether the data set names the features of its images and labels.

    The data sets of this library do. Others are decoded by their own decoders.
    """
    return (
      getattr(self.dataset, 'image_key', None) is not None
      and getattr(self.dataset, 'label_key', None) is not None
    )

  @property
  def has_small_images(self) -> bool:
    """Whether whole batches of records can be decoded and prepared at once."""
    return self.preprocessing.start is not None and self.knows_keys

  @property
  def decoded_bytes(self) -> int | None:
    """Memory for all images, decoded; None unless small and of one size."""
    if not self.has_small_images or None in self.dataset.image_shape:
      return None
    return self.dataset.num_samples * math.prod(self.dataset.image_shape)

  @property
  def cached(self) -> bool:
    """Whether training caches the data set in memory."""
    if self.in_memory is not None:
      return self.in_memory
    size = self.decoded_bytes
    return size is not None and size <= _MOST_CACHED_BYTES


def from_config(
  config: Any, dataset: Any, image_size: int | None = None
) -> InputSpec:
  """Return the InputSpec of a configuration.

  Args:
    config: a deployment.command_line.data_config.DataConfig.
    dataset: the tf-slim Dataset.
    image_size: height and width of the images in pixels; None stands for the
      network's default.

  Raises:
    UserError: if the network or the preprocessing is unknown.
  """
  network = nets_factory.network(config.model_name)
  return InputSpec(
    dataset=dataset,
    preprocessing=preprocessing_factory.get_parts(config.preprocessing),
    image_size=image_size or network.image_size,
    channels=1
    if config.use_grayscale
    else network.channels_for(_channels(dataset)),
    labels_offset=config.labels_offset,
    threads=config.num_preprocessing_threads,
    readers=getattr(config, 'num_readers', 0),
    in_memory=_IN_MEMORY.get(getattr(config, 'cache_dataset', 'auto')),
  )


def _channels(dataset):
  """Return the channels of a data set's images, None if they vary."""
  if getattr(dataset, 'channels', None):
    return dataset.channels
  with tf.Graph().as_default():
    record = tf.placeholder(tf.string, [])
    (image,) = dataset.decoder.decode(record, ['image'])
  return image.shape.as_list()[-1] if image.shape.rank else None


def class_names(dataset: Any, labels_offset: int) -> list[str]:
  """Return the name of each of the network's classes.

  Args:
    dataset: the tf-slim Dataset.
    labels_offset: the data set's label of the network's class 0.

  Returns:
    One name per class; a class without a name has its number.
  """
  names = dataset.labels_to_names or {}
  labels = range(labels_offset, dataset.num_classes)
  return [str(names.get(label, label)) for label in labels]

"""From the bytes of an image file to what a network was evaluated on."""

import dataclasses

import tensorflow.compat.v1 as tf

from preprocessing import image_ops, preprocessing_factory


@dataclasses.dataclass(frozen=True)
class Preparation:
  """How images were prepared in training and evaluation.

  Attributes:
    preprocessing: name of the preprocessing, of a network or of a family.
    image_size: height and width of the result.
    channels: channels of the result, 1 or 3.
    decoded_channels: what the data set decodes its images to, 1 or 3.
  """

  preprocessing: str
  image_size: int
  channels: int = 3
  decoded_channels: int = 3

  def apply(self, encoded):
    """Returns the network's input for one image file.

    Args:
      encoded: the bytes of a JPEG, PNG, GIF or BMP, a string scalar.

    Returns:
      float32 [image_size, image_size, channels].
    """
    image = decode(encoded, self.decoded_channels)
    image = image_ops.set_channels(image, self.channels)
    image = preprocessing_factory.prepare_for_evaluation(
      self.preprocessing, image, self.image_size
    )
    image.set_shape([self.image_size, self.image_size, self.channels])
    return image


def decode(encoded, channels: int):
  """Decodes an image by its content, whatever its colours and its format.

  Gray images become three equal channels, coloured ones lose their colours,
  where asked; transparency is left out. Of an animation, the first frame
  counts.

  Args:
    encoded: the bytes of a JPEG, PNG, GIF or BMP, a string scalar.
    channels: 1 or 3.

  Returns:
    uint8 [height, width, channels].
  """
  return with_channels(_decode(encoded), channels)


def scale(encoded, height: int, width: int, channels: int, *, mean, std):
  """Resizes a whole image and normalises it, as TensorFlow's label_image does.

  Args:
    encoded: the bytes of an image file, a string scalar.
    height: rows of the result.
    width: columns of the result.
    channels: 1 or 3.
    mean: subtracted from values in [0, 255].
    std: what the difference is divided by.

  Returns:
    float32 [height, width, channels].
  """
  image = with_channels(tf.cast(_decode(encoded), tf.float32), channels)
  image = image_ops.resize(image, height, width)
  image.set_shape([height, width, channels])
  return (image - mean) / std


def _decode(encoded):
  """Returns uint8 [height, width, 1 to 4 channels]."""
  # Asked for a number of channels, TensorFlow refuses some GIFs and BMPs.
  image = tf.io.decode_image(encoded, channels=0, expand_animations=False)
  image.set_shape([None, None, None])
  return image


def with_channels(image, channels):
  """Returns an image with 1 to 4 channels as one with 1 or 3."""
  has_no_colours = tf.less(tf.shape(image)[2], 3)
  if channels == 1:
    image = tf.cond(
      has_no_colours,
      lambda: image[:, :, :1],
      lambda: image_ops.grayscale(_rgb(image)),
    )
  else:
    image = tf.cond(
      has_no_colours,
      lambda: tf.tile(image[:, :, :1], [1, 1, 3]),
      lambda: _rgb(image),
    )
  image.set_shape([None, None, channels])
  return image


def _rgb(image):
  image = image[:, :, :3]
  image.set_shape([None, None, 3])
  return image

"""Prepare single image files as the images of an evaluation are prepared."""

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

  def apply(self, encoded: tf.Tensor | bytes) -> tf.Tensor:
    """Return the network's input for one image file.

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


def decode(encoded: tf.Tensor | bytes, channels: int) -> tf.Tensor:
  """Decode an image of any format and number of channels.

  The format is found from the contents. A grayscale image gets three equal
  channels, or a color image is turned into grayscale, as `channels` requires.
  Transparency is dropped. Of an animation, the first frame is decoded.

  Args:
    encoded: the bytes of a JPEG, PNG, GIF or BMP, a string scalar.
    channels: 1 or 3.

  Returns:
    uint8 [height, width, channels].
  """
  return with_channels(_decode(encoded), channels)


def scale(
  encoded: tf.Tensor | bytes,
  height: int,
  width: int,
  channels: int,
  *,
  mean: float,
  std: float,
) -> tf.Tensor:
  """Resize a whole image and normalize it, as TensorFlow's label_image does.

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
  """Return the image as it is stored, uint8 [height, width, 1 to 4]."""
  # With a number of channels given, TensorFlow refuses some GIFs and BMPs.
  image = tf.io.decode_image(encoded, channels=0, expand_animations=False)
  image.set_shape([None, None, None])
  return image


def with_channels(image: tf.Tensor, channels: int) -> tf.Tensor:
  """Return an image with 1 or 3 channels.

  Args:
    image: [height, width, 1 to 4]; of 2 or 4 channels, the last one is alpha.
    channels: 1 or 3.

  Returns:
    [height, width, channels], of the type of `image`.
  """
  is_gray = tf.less(tf.shape(image)[2], 3)
  if channels == 1:
    image = tf.cond(
      is_gray,
      lambda: image[:, :, :1],
      lambda: image_ops.grayscale(_rgb(image)),
    )
  else:
    image = tf.cond(
      is_gray,
      lambda: tf.tile(image[:, :, :1], [1, 1, 3]),
      lambda: _rgb(image),
    )
  image.set_shape([None, None, channels])
  return image


def _rgb(image):
  image = image[:, :, :3]
  image.set_shape([None, None, 3])
  return image

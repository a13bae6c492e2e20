"""Preprocessing of LeNet: centred and scaled to [-1, 1)."""

import tensorflow.compat.v1 as tf

from preprocessing import image_ops


def preprocess_image(
  image: tf.Tensor,
  output_height: int,
  output_width: int,
  is_training: bool | tf.Tensor,
  use_grayscale: bool = False,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
  """Crop or pad the image about its centre and scale it to [-1, 1).

  Args:
    image: [height, width, channels], values in [0, 255].
    output_height: rows of the result.
    output_width: columns of the result.
    is_training: makes no difference here.
    use_grayscale: whether to reduce the image to one channel.
    seed: makes no difference here.

  Returns:
    float32 [output_height, output_width, channels] in [-1, 1).
  """
  if use_grayscale:
    image = image_ops.grayscale(tf.cast(image, tf.float32))
  part = start(image, output_height, output_width, is_training, seed)
  return finish(part)


def start(
  image: tf.Tensor,
  height: int,
  width: int,
  is_training: bool | tf.Tensor,
  seed: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
  """Return what one image contributes to a batch, {'image': ...}.

  See `preprocess_image` for the arguments.
  """
  del is_training, seed
  return {'image': image_ops.crop_or_pad(image, height, width)}


def finish(batch: dict[str, tf.Tensor]) -> tf.Tensor:
  """Return the images, float32, of one or of a batch of what `start` gave."""
  return (tf.cast(batch['image'], tf.float32) - 128.0) / 128.0

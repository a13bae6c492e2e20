"""Image operations that the pipelines share.

Images are tensors [height, width, channels]. Every random operation takes
`seed`, a [2] int32 tensor, and is a function of it alone: the same seed gives
the same result on any thread and in any order, which makes a parallel input
pipeline repeatable. Without a seed, `fresh_seed` draws one for each image.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow.compat.v1 as tf


def fresh_seed() -> tf.Tensor:
  """Return a new random seed, [2] int32, on every evaluation."""
  return tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)


def derive(seed: tf.Tensor, salt: int) -> tf.Tensor:
  """Return a seed that is independent of `seed` and of other salts'.

  Args:
    seed: [2] int32 tensor.
    salt: a small number, different for every use of the same seed.
  """
  # The second entry counts examples, so only the first may be moved.
  return seed + tf.constant([salt * 1_000_003, 0], tf.int32)


def draws(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
  """Return `count` float32 scalars, independent and uniform in [0, 1).

  One operation draws them all: a pipeline that draws one by one spends more
  time on starting operations than on an image's colours.
  """
  return tf.unstack(tf.random.stateless_uniform([count], seed))


def scaled(draw: tf.Tensor, low: float, high: float) -> tf.Tensor:
  """Return a draw of [0, 1) moved to [low, high)."""
  return low + draw * (high - low)


def scaled_int(
  draw: tf.Tensor, low: int | tf.Tensor, high: int | tf.Tensor
) -> tf.Tensor:
  """Return an int32, uniform in [low, high), from a draw of [0, 1)."""
  width = tf.cast(high - low, tf.float32)
  return low + tf.cast(tf.floor(draw * width), tf.int32)


def as_float(image: tf.Tensor) -> tuple[tf.Tensor, float]:
  """Return the image as float32, and the value of white in it.

  Scaling to [0, 1] is left to whoever touches every pixel anyway: white is the
  greatest value of an integer type, and 1.0 in an image of floats.
  """
  white = 1.0 if image.dtype.is_floating else float(image.dtype.max)
  return tf.cast(image, tf.float32), white


def grayscale(image: tf.Tensor) -> tf.Tensor:
  """Return the image with one channel."""
  if image.shape[-1] == 1:
    return image
  return tf.image.rgb_to_grayscale(image)


def set_channels(image: tf.Tensor, channels: int) -> tf.Tensor:
  """Return the image with 1 or 3 channels: gray is repeated, RGB weighed."""
  if image.shape[-1] == channels:
    return image
  return grayscale(image) if channels == 1 else tf.image.grayscale_to_rgb(image)


def resize(
  image: tf.Tensor,
  height: int | tf.Tensor,
  width: int | tf.Tensor,
  method: int = tf.image.ResizeMethod.BILINEAR,
) -> tf.Tensor:
  """Resize as the released networks were trained, corners not aligned.

  Bilinear resizing is twice as fast on float32 as on uint8, so the cast to it
  comes first.

  Args:
    image: [height, width, channels].
    height: rows of the result, int or scalar tensor.
    width: columns of the result, int or scalar tensor.
    method: one of `tf.image.ResizeMethod`.

  Returns:
    float32 [height, width, channels].
  """
  image = tf.cast(image, tf.float32)
  return tf.image.resize_images(image, [height, width], method=method)


def smallest_size_at_least(
  height: int | tf.Tensor, width: int | tf.Tensor, side: int | tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Return int32 (height, width) whose smaller side is `side`.

  The aspect ratio is kept, up to rounding to whole pixels.
  """
  scale = tf.cast(side, tf.float32) / tf.cast(
    tf.minimum(height, width), tf.float32
  )

  def scaled(length):
    return tf.cast(tf.rint(tf.cast(length, tf.float32) * scale), tf.int32)

  return scaled(height), scaled(width)


def size(image: tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
  """Return (height, width) of an image, as numbers where they are known.

  What is known when the graph is built costs nothing when it runs.
  """
  known = image.shape[:2].as_list()
  if None not in known:
    return tuple(known)
  return tuple(tf.unstack(tf.shape(image)[:2]))


def crop(
  image: tf.Tensor,
  top: int | tf.Tensor,
  left: int | tf.Tensor,
  height: int,
  width: int,
) -> tf.Tensor:
  """Return the [height, width, channels] window at (top, left)."""
  window = tf.slice(image, [top, left, 0], [height, width, -1])
  window.set_shape([height, width, image.shape[-1]])
  return window


def random_crop(
  image: tf.Tensor, height: int, width: int, down: tf.Tensor, right: tf.Tensor
) -> tf.Tensor:
  """Return a uniformly placed [height, width, channels] window.

  Args:
    image: [rows, columns, channels].
    height: rows of the window.
    width: columns of the window.
    down: a draw of [0, 1), where the window lies vertically.
    right: a draw of [0, 1), where it lies horizontally.
  """
  rows, columns = size(image)
  top = scaled_int(down, 0, rows - height + 1)
  left = scaled_int(right, 0, columns - width + 1)
  return crop(image, top, left, height, width)


def central_crop(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
  """Return the [height, width, channels] window at the centre."""
  rows, columns = size(image)
  top, left = (rows - height) // 2, (columns - width) // 2
  return crop(image, top, left, height, width)


def crop_or_pad(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
  """Crop or pads with zeros about the centre to [height, width, channels]."""
  return tf.image.resize_image_with_crop_or_pad(image, height, width)


def random_flip(image: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
  """Mirror the image left to right where the draw of [0, 1) is below 1/2."""
  return tf.cond(draw < 0.5, lambda: tf.reverse(image, [1]), lambda: image)


def subtract_mean(image: tf.Tensor, means: Sequence[float]) -> tf.Tensor:
  """Subtract one mean per channel.

  Works on whole rows: a row of means as long as a row of the image spares the
  broadcasting of three numbers, which takes ten times as long.

  Args:
    image: float32 [height, width, channels], width known.
    means: one number per channel.

  Raises:
    ValueError: if there are not as many means as channels.
  """
  if image.shape[-1] != len(means):
    raise ValueError(
      f'{len(means)} means for an image with {image.shape[-1]} channels'
    )
  row = np.tile(np.array(means, np.float32), image.shape[1])
  rows = tf.reshape(image, [-1, row.size]) - row
  return (
    tf.reshape(rows, tf.shape(image))
    if None in image.shape.as_list()
    else (tf.reshape(rows, image.shape))
  )

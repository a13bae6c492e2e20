"""Image operations that the pipelines share.

Images are tensors [height, width, channels]. Every random operation takes
`seed`, a [2] int32 tensor, and is a function of it alone: the same seed gives
the same result on any thread and in any order, which makes a parallel input
pipeline repeatable. Without a seed, `fresh_seed` draws one for each image.
"""

import tensorflow.compat.v1 as tf


def fresh_seed():
  """Returns a new random seed, [2] int32, on every evaluation."""
  return tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)


def derive(seed, salt: int):
  """Returns a seed that is independent of `seed` and of other salts'.

  Args:
    seed: [2] int32 tensor.
    salt: a small number, different for every use of the same seed.
  """
  # The second entry counts examples, so only the first may be moved.
  return seed + tf.constant([salt * 1_000_003, 0], tf.int32)


def uniform(seed, low=0.0, high=1.0):
  """Returns a float32 scalar, uniform in [low, high)."""
  return tf.random.stateless_uniform([], seed, low, high)


def uniform_int(seed, low, high):
  """Returns an int32 scalar, uniform in [low, high); they may be tensors."""
  return tf.random.stateless_uniform([], seed, low, high, tf.int32)


def to_unit_range(image):
  """Returns the image as float32; integers are scaled to [0, 1]."""
  if image.dtype == tf.float32:
    return image
  return tf.image.convert_image_dtype(image, tf.float32)


def grayscale(image):
  """Returns the image with one channel."""
  if image.shape[-1] == 1:
    return image
  return tf.image.rgb_to_grayscale(image)


def set_channels(image, channels: int):
  """Returns the image with 1 or 3 channels: gray is repeated, RGB weighed."""
  if image.shape[-1] == channels:
    return image
  return grayscale(image) if channels == 1 else tf.image.grayscale_to_rgb(image)


def resize(image, height, width, method=tf.image.ResizeMethod.BILINEAR):
  """Resizes as the released networks were trained, corners not aligned.

  Args:
    image: [height, width, channels].
    height: rows of the result, int or scalar tensor.
    width: columns of the result, int or scalar tensor.
    method: one of `tf.image.ResizeMethod`.

  Returns:
    float32 [height, width, channels].
  """
  return tf.image.resize_images(image, [height, width], method=method)


def smallest_size_at_least(height, width, side):
  """Returns int32 (height, width) whose smaller side is `side`.

  The aspect ratio is kept, up to rounding to whole pixels.
  """
  scale = tf.cast(side, tf.float32) / tf.cast(
    tf.minimum(height, width), tf.float32
  )

  def scaled(length):
    return tf.cast(tf.rint(tf.cast(length, tf.float32) * scale), tf.int32)

  return scaled(height), scaled(width)


def resize_smallest_side(image, side):
  """Resizes bilinearly so that the smaller side is `side`, aspect kept."""
  shape = tf.shape(image)
  height, width = smallest_size_at_least(shape[0], shape[1], side)
  channels = image.shape[-1]
  image = resize(image, height, width)
  image.set_shape([None, None, channels])
  return image


def crop(image, top, left, height: int, width: int):
  """Returns the [height, width, channels] window at (top, left)."""
  window = tf.slice(image, [top, left, 0], [height, width, -1])
  window.set_shape([height, width, image.shape[-1]])
  return window


def random_crop(image, height: int, width: int, seed):
  """Returns a uniformly placed [height, width, channels] window."""
  shape = tf.shape(image)
  top = uniform_int(derive(seed, 1), 0, shape[0] - height + 1)
  left = uniform_int(derive(seed, 2), 0, shape[1] - width + 1)
  return crop(image, top, left, height, width)


def central_crop(image, height: int, width: int):
  """Returns the [height, width, channels] window at the centre."""
  shape = tf.shape(image)
  top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
  return crop(image, top, left, height, width)


def crop_or_pad(image, height: int, width: int):
  """Crops or pads with zeros about the centre to [height, width, channels]."""
  return tf.image.resize_image_with_crop_or_pad(image, height, width)


def random_flip(image, seed):
  """Mirrors the image left to right with probability one half."""
  return tf.cond(
    uniform(seed) < 0.5, lambda: tf.reverse(image, [1]), lambda: image
  )


def subtract_mean(image, means):
  """Subtracts one mean per channel.

  Args:
    image: float32 [height, width, channels].
    means: one number per channel.

  Raises:
    ValueError: if there are not as many means as channels.
  """
  if image.shape[-1] != len(means):
    raise ValueError(
      f'{len(means)} means for an image with {image.shape[-1]} channels'
    )
  return image - tf.constant(means, image.dtype)

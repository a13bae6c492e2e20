"""Preprocessing of VGG and of the ResNets: scale jitter, means subtracted.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition" (arXiv:1409.1556, 2014), section 3.1.
"""

import tensorflow.compat.v1 as tf

from preprocessing import image_ops

_RGB_MEANS = (123.68, 116.78, 103.94)
_RESIZE_SIDE_MIN = 256
_RESIZE_SIDE_MAX = 512


def preprocess_for_train(
  image,
  output_height,
  output_width,
  resize_side_min=_RESIZE_SIDE_MIN,
  resize_side_max=_RESIZE_SIDE_MAX,
  use_grayscale=False,
  seed=None,
):
  """Resizes to a random scale, crops and flips at random, subtracts means.

  Args:
    image: [height, width, channels], values in [0, 255].
    output_height: rows of the result.
    output_width: columns of the result.
    resize_side_min: least length of the smaller side after resizing, pixels.
    resize_side_max: greatest length of the smaller side, inclusive.
    use_grayscale: whether to reduce the image to one channel.
    seed: [2] int32 tensor, or None for a fresh one.

  Returns:
    float32 [output_height, output_width, channels], about [-124, 152].
  """
  seed = image_ops.fresh_seed() if seed is None else seed
  low = max(resize_side_min, output_height, output_width)
  high = max(resize_side_max, low)
  side = image_ops.uniform_int(image_ops.derive(seed, 3), low, high + 1)
  image = image_ops.resize_smallest_side(image, side)
  image = image_ops.random_crop(image, output_height, output_width, seed)
  image = image_ops.random_flip(image, image_ops.derive(seed, 4))
  return _normalize(image, use_grayscale)


def preprocess_for_eval(
  image, output_height, output_width, resize_side, use_grayscale=False
):
  """Resizes, crops the centre and subtracts means.

  Args:
    image: [height, width, channels], values in [0, 255].
    output_height: rows of the result.
    output_width: columns of the result.
    resize_side: length of the smaller side after resizing, in pixels. Where
      the result would not fit in it, it grows to keep the nominal 224 / 256.
    use_grayscale: whether to reduce the image to one channel.

  Returns:
    float32 [output_height, output_width, channels], about [-124, 152].
  """
  longest = max(output_height, output_width)
  if longest > resize_side:
    resize_side = round(longest * 256 / 224)
  image = image_ops.resize_smallest_side(image, resize_side)
  image = image_ops.central_crop(image, output_height, output_width)
  return _normalize(image, use_grayscale)


def preprocess_image(
  image,
  output_height,
  output_width,
  is_training=False,
  resize_side_min=_RESIZE_SIDE_MIN,
  resize_side_max=_RESIZE_SIDE_MAX,
  use_grayscale=False,
  seed=None,
):
  """See `preprocess_for_train` and `preprocess_for_eval`.

  Evaluation resizes to `resize_side_min`.
  """
  if not is_training:
    return preprocess_for_eval(
      image, output_height, output_width, resize_side_min, use_grayscale
    )
  return preprocess_for_train(
    image,
    output_height,
    output_width,
    resize_side_min=resize_side_min,
    resize_side_max=resize_side_max,
    use_grayscale=use_grayscale,
    seed=seed,
  )


def _normalize(image, use_grayscale):
  """Subtracts the RGB means; a gray image loses their luma-weighted mean."""
  image = tf.cast(image, tf.float32)
  if use_grayscale:
    image = image_ops.grayscale(image)
  if image.shape[-1] == 1:
    red, green, blue = _RGB_MEANS
    return image - (0.2989 * red + 0.5870 * green + 0.1140 * blue)
  return image_ops.subtract_mean(image, _RGB_MEANS)

"""Preprocessing of CifarNet: small crops, standardised image by image.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

import tensorflow.compat.v1 as tf

from preprocessing import image_ops


def preprocess_for_train(
  image,
  output_height,
  output_width,
  padding=4,
  add_image_summaries=True,
  use_grayscale=False,
  seed=None,
):
  """Pads, crops and flips at random, jitters brightness and contrast.

  Args:
    image: [height, width, channels], values in [0, 255].
    output_height: rows of the result.
    output_width: columns of the result.
    padding: zeros added on every side before cropping, in pixels.
    add_image_summaries: whether to write the image to TensorBoard.
    use_grayscale: whether to reduce the image to one channel.
    seed: [2] int32 tensor, or None for a fresh one.

  Returns:
    float32 [output_height, output_width, channels], mean 0, variance 1.
  """
  seed = image_ops.fresh_seed() if seed is None else seed
  image = tf.cast(image, tf.float32)
  if use_grayscale:
    image = image_ops.grayscale(image)
  _summarize('image', image, add_image_summaries)
  image = _pad_to_at_least(image, output_height, output_width, padding)
  image = image_ops.random_crop(image, output_height, output_width, seed)
  image = image_ops.random_flip(image, image_ops.derive(seed, 3))
  _summarize('distorted_image', image, add_image_summaries)
  delta = image_ops.uniform(image_ops.derive(seed, 4), -63.0, 63.0)
  contrast = image_ops.uniform(image_ops.derive(seed, 5), 0.2, 1.8)
  image = tf.image.adjust_contrast(image + delta, contrast)
  return tf.image.per_image_standardization(image)


def preprocess_for_eval(
  image,
  output_height,
  output_width,
  add_image_summaries=True,
  use_grayscale=False,
):
  """Crops or pads about the centre and standardises.

  Args:
    image: [height, width, channels], values in [0, 255].
    output_height: rows of the result.
    output_width: columns of the result.
    add_image_summaries: whether to write the image to TensorBoard.
    use_grayscale: whether to reduce the image to one channel.

  Returns:
    float32 [output_height, output_width, channels], mean 0, variance 1.
  """
  image = tf.cast(image, tf.float32)
  if use_grayscale:
    image = image_ops.grayscale(image)
  _summarize('image', image, add_image_summaries)
  image = image_ops.crop_or_pad(image, output_height, output_width)
  _summarize('resized_image', image, add_image_summaries)
  return tf.image.per_image_standardization(image)


def preprocess_image(
  image,
  output_height,
  output_width,
  is_training=False,
  add_image_summaries=True,
  use_grayscale=False,
  padding=4,
  seed=None,
):
  """See `preprocess_for_train` and `preprocess_for_eval`."""
  if not is_training:
    return preprocess_for_eval(
      image, output_height, output_width, add_image_summaries, use_grayscale
    )
  return preprocess_for_train(
    image,
    output_height,
    output_width,
    padding=padding,
    add_image_summaries=add_image_summaries,
    use_grayscale=use_grayscale,
    seed=seed,
  )


def _pad_to_at_least(image, height, width, padding):
  """Pads by `padding`, and further where the image is smaller than asked."""
  shape = tf.shape(image)
  missing_rows = tf.maximum(0, height - shape[0] - 2 * padding)
  missing_columns = tf.maximum(0, width - shape[1] - 2 * padding)

  def sides(missing):
    return [padding + missing // 2, padding + (missing + 1) // 2]

  return tf.pad(image, [sides(missing_rows), sides(missing_columns), [0, 0]])


def _summarize(name, image, wanted):
  if wanted:
    tf.summary.image(name, tf.expand_dims(image, 0))

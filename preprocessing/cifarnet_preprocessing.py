"""Preprocessing of CifarNet: small crops, standardised image by image.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

import tensorflow.compat.v1 as tf

from preprocessing import image_ops

_CONTRAST = (0.2, 1.8)


def preprocess_for_train(
  image,
  output_height,
  output_width,
  padding=4,
  add_image_summaries=True,
  use_grayscale=False,
  seed=None,
):
  """Pads, crops and flips at random, jitters the contrast.

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
  if use_grayscale:
    image = image_ops.grayscale(tf.cast(image, tf.float32))
  _summarize('image', image, add_image_summaries)
  part = _start_train(image, output_height, output_width, seed, padding)
  _summarize('distorted_image', part['image'], add_image_summaries)
  return _finish_one(part)


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
  if use_grayscale:
    image = image_ops.grayscale(tf.cast(image, tf.float32))
  _summarize('image', image, add_image_summaries)
  part = _start_eval(image, output_height, output_width)
  _summarize('resized_image', part['image'], add_image_summaries)
  return _finish_one(part)


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


def start(image, height, width, is_training, seed=None):
  """Returns what one image contributes to a batch.

  Args:
    image: [rows, columns, channels], values in [0, 255].
    height: rows of the result.
    width: columns of the result.
    is_training: whether to distort at random.
    seed: [2] int32 tensor; evaluation needs none.

  Returns:
    'image', [height, width, channels] of the image's type, and 'contrast', a
    float32 scalar.
  """
  if is_training:
    return _start_train(image, height, width, seed)
  return _start_eval(image, height, width)


def finish(batch):
  """Adjusts the contrast and standardises each image.

  Does what `tf.image.adjust_contrast` and `per_image_standardization` do, in
  one pass. The change of brightness that belongs between them shifts an image
  as a whole, which standardising takes back, so there is none.

  Args:
    batch: what `start` gave, batched: 'image' [batch, height, width, channels]
      and 'contrast' [batch].

  Returns:
    float32 [batch, height, width, channels], each of mean 0 and variance 1, or
    less where an image is nearly of one colour.
  """
  images = tf.cast(batch['image'], tf.float32)
  contrast = tf.reshape(batch['contrast'], [-1, 1, 1, 1])
  means, variances = tf.nn.moments(images, [1, 2], keepdims=True)
  mean, of_means = tf.nn.moments(means, 3, keepdims=True)
  variance = contrast**2 * tf.reduce_mean(variances, 3, keepdims=True)
  least = tf.rsqrt(tf.cast(tf.size(images[0]), tf.float32))
  deviation = tf.maximum(tf.sqrt(variance + of_means), least)
  factor = contrast / deviation
  return images * factor + ((means - mean) / deviation - means * factor)


def _finish_one(part):
  batch = {name: tensor[tf.newaxis] for name, tensor in part.items()}
  return finish(batch)[0]


def _start_train(image, height, width, seed, padding=4):
  down, right, flip, contrast = image_ops.draws(seed, 4)
  image = _pad_to_at_least(image, height, width, padding)
  image = image_ops.random_crop(image, height, width, down, right)
  shape = image.shape
  image = image_ops.random_flip(image, flip)
  image.set_shape(shape)
  return {'image': image, 'contrast': image_ops.scaled(contrast, *_CONTRAST)}


def _start_eval(image, height, width):
  image = image_ops.crop_or_pad(image, height, width)
  return {'image': image, 'contrast': tf.constant(1.0)}


def _pad_to_at_least(image, height, width, padding):
  """Pads by `padding`, and further where the image is smaller than asked."""
  shape = tf.shape(image)
  missing_rows = tf.maximum(0, height - shape[0] - 2 * padding)
  missing_columns = tf.maximum(0, width - shape[1] - 2 * padding)

  def sides(missing):
    return [padding + missing // 2, padding + (missing + 1) // 2]

  channels = image.shape[-1]
  image = tf.pad(image, [sides(missing_rows), sides(missing_columns), [0, 0]])
  image.set_shape([None, None, channels])
  return image


def _summarize(name, image, wanted):
  if wanted:
    tf.summary.image(name, tf.expand_dims(image, 0))

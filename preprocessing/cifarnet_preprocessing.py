"""Preprocessing of CifarNet: small crops, standardised image by image.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

import tensorflow.compat.v1 as tf

from preprocessing import image_ops

_CONTRAST = (0.2, 1.8)
# One pixel out of so many in each direction gives the rough mean of an image.
_STEP = 8


def preprocess_for_train(
  image: tf.Tensor,
  output_height: int,
  output_width: int,
  padding: str = 4,
  add_image_summaries: bool = True,
  use_grayscale: bool = False,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
  """Pad, crop and flip at random, and jitter the contrast.

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
  batch = _batch_of_one(
    _start_train(image, output_height, output_width, seed, padding)
  )
  _summarize('distorted_image', _flipped(batch)[0], add_image_summaries)
  return finish(batch)[0]


def pictures(
  image: tf.Tensor, height: int, width: int, seed: tf.Tensor | None = None
) -> dict[str, tf.Tensor]:
  """Return an image and what training makes of it, to look at.

  Args:
    image: uint8 [rows, columns, channels].
    height: rows of the network's images.
    width: columns of the network's images.
    seed: [2] int32 tensor, or None for a fresh one.

  Returns:
    Tag in TensorBoard -> uint8 [1, rows, columns, channels].
  """
  seed = image_ops.fresh_seed() if seed is None else seed
  part = _batch_of_one(_start_train(image, height, width, seed))
  return {'image': image[tf.newaxis], 'distorted_image': _flipped(part)}


def preprocess_for_eval(
  image: tf.Tensor,
  output_height: int,
  output_width: int,
  add_image_summaries: bool = True,
  use_grayscale: bool = False,
) -> tf.Tensor:
  """Crop or pad about the centre and standardise.

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
  return finish(_batch_of_one(part))[0]


def preprocess_image(
  image: tf.Tensor,
  output_height: int,
  output_width: int,
  is_training: bool | tf.Tensor = False,
  add_image_summaries: bool = True,
  use_grayscale: bool = False,
  padding: str = 4,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
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


def start(
  image: tf.Tensor,
  height: int,
  width: int,
  is_training: bool | tf.Tensor,
  seed: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
  """Return what one image contributes to a batch.

  Args:
    image: [rows, columns, channels], values in [0, 255].
    height: rows of the result.
    width: columns of the result.
    is_training: whether to distort at random.
    seed: [2] int32 tensor; evaluation needs none.

  Returns:
    'image', [height, width, channels] of the image's type, 'contrast', a
    float32 scalar, and for training 'flip', a draw of [0, 1).
  """
  if is_training:
    return _start_train(image, height, width, seed)
  return _start_eval(image, height, width)


def finish(batch: dict[str, tf.Tensor]) -> tf.Tensor:
  """Flip images at random, adjust the contrast and standardise each.

  Does what `tf.image.adjust_contrast` and `per_image_standardization` do, in
  one pass. The change of brightness that belongs between them shifts an image
  as a whole, which standardising takes back, so there is none.

  Args:
    batch: what `start` gave, batched: 'image' [batch, height, width, channels],
      'contrast' [batch], and perhaps 'flip' [batch].

  Returns:
    float32 [batch, height, width, channels], each of mean 0 and variance 1, or
    less where an image is nearly of one colour.
  """
  images = tf.cast(_flipped(batch), tf.float32)
  contrast = tf.reshape(batch['contrast'], [-1, 1, 1, 1])
  # Sums of float32 lose digits where images are bright or large. Some of the
  # pixels say what values are about; with that subtracted sums stay small.
  about = _pixel_mean(images[:, ::_STEP, ::_STEP])
  images -= about
  offset = _pixel_mean(images)
  variances = _pixel_mean(images**2) - offset**2
  mean, of_means = tf.nn.moments(about + offset, 3, keepdims=True)
  variance = contrast**2 * tf.reduce_mean(variances, 3, keepdims=True)
  least = tf.rsqrt(tf.cast(tf.size(images[0]), tf.float32))
  deviation = tf.maximum(tf.sqrt(variance + of_means), least)
  factor = contrast / deviation
  shift = ((about - mean) + offset) / deviation - offset * factor
  return images * factor + shift


def _pixel_mean(images):
  """Return the mean of each channel, [batch, 1, 1, channels].

  Columns and rows are summed one after the other, which is more exact than all
  pixels at once.
  """
  return tf.reduce_mean(tf.reduce_mean(images, 2, keepdims=True), 1, True)


def _batch_of_one(part):
  return {name: tensor[tf.newaxis] for name, tensor in part.items()}


def _flipped(batch):
  """Return the images, mirrored left to right where the draw is below 1/2."""
  images = batch['image']
  if 'flip' not in batch:
    return images
  flip = tf.reshape(batch['flip'] < 0.5, [-1, 1, 1, 1])
  return tf.where_v2(flip, tf.reverse(images, [2]), images)


def _start_train(image, height, width, seed, padding=4):
  down, right, flip, contrast = image_ops.draws(seed, 4)
  image = _pad_to_at_least(image, height, width, padding)
  image = image_ops.random_crop(image, height, width, down, right)
  contrast = image_ops.scaled(contrast, *_CONTRAST)
  return {'image': image, 'contrast': contrast, 'flip': flip}


def _start_eval(image, height, width):
  image = image_ops.crop_or_pad(image, height, width)
  return {'image': image, 'contrast': tf.constant(1.0)}


def _pad_to_at_least(image, height, width, padding):
  """Pad by `padding`, and further where the image is smaller than asked."""

  def sides(length, wanted):
    missing = wanted - length - 2 * padding
    missing = (
      max(0, missing) if isinstance(missing, int) else tf.maximum(0, missing)
    )
    return [padding + missing // 2, padding + (missing + 1) // 2]

  rows, columns = image_ops.size(image)
  channels = image.shape[-1]
  image = tf.pad(image, [sides(rows, height), sides(columns, width), [0, 0]])
  image.set_shape([None, None, channels])
  return image


def _summarize(name, image, wanted):
  if wanted:
    tf.summary.image(name, tf.expand_dims(image, 0))

"""Preprocessing of VGG and of the ResNets: scale jitter, means subtracted.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition" (arXiv:1409.1556, 2014), section 3.1.
"""

import tensorflow.compat.v1 as tf

from preprocessing import image_ops, windows

_R_MEAN = 123.68
_G_MEAN = 116.78
_B_MEAN = 103.94
_RGB_MEANS = (_R_MEAN, _G_MEAN, _B_MEAN)
_RESIZE_SIDE_MIN = 256
_RESIZE_SIDE_MAX = 512


def train_plan(
  shape: tf.Tensor,
  height: int,
  width: int,
  *,
  resize_side_min: int = _RESIZE_SIDE_MIN,
  resize_side_max: int = _RESIZE_SIDE_MAX,
  use_grayscale: bool = False,
  seed: tf.Tensor | None,
) -> windows.Plan:
  """Return the plan of training for an image of a shape, int32 [3].

  See `preprocess_for_train` for the other arguments.
  """
  low = max(resize_side_min, height, width)
  high = max(resize_side_max, low)
  scale, down, right, flip = image_ops.draws(seed, 4)
  rows, columns = image_ops.smallest_size_at_least(
    shape[0], shape[1], image_ops.scaled_int(scale, low, high + 1)
  )
  top = image_ops.scaled_int(down, 0, rows - height + 1)
  left = image_ops.scaled_int(right, 0, columns - width + 1)
  crop = windows.resized(shape, (rows, columns), (top, left), height, width)

  def finish(pixels):
    image = image_ops.random_flip(crop.finish(pixels), flip)
    image.set_shape([height, width, pixels.shape[-1]])
    return _normalize(image, use_grayscale)

  return windows.Plan(crop.window, finish)


def eval_plan(
  shape: tf.Tensor,
  height: int,
  width: int,
  *,
  resize_side: int = _RESIZE_SIDE_MIN,
  use_grayscale: bool = False,
) -> windows.Plan:
  """Return the plan of evaluation for an image of a shape, int32 [3].

  See `preprocess_for_eval` for the other arguments.
  """
  longest = max(height, width)
  if longest > resize_side:
    resize_side = round(longest * 256 / 224)
  rows, columns = image_ops.smallest_size_at_least(
    shape[0], shape[1], resize_side
  )

  def finish(image):
    channels = image.shape[-1]
    # The centre is most of the image: resizing all of it by the quicker
    # operation takes less time than resizing what is kept.
    image = image_ops.resize(image, rows, columns)
    image.set_shape([None, None, channels])
    image = image_ops.central_crop(image, height, width)
    return _normalize(image, use_grayscale)

  return windows.Plan(None, finish)


plan = windows.planner(train_plan, eval_plan)


def preprocess_for_train(
  image: tf.Tensor,
  output_height: int,
  output_width: int,
  resize_side_min: int = _RESIZE_SIDE_MIN,
  resize_side_max: int = _RESIZE_SIDE_MAX,
  use_grayscale: bool = False,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
  """Resize to a random scale, crop and flip at random, subtract means.

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
  chosen = train_plan(
    tf.shape(image),
    output_height,
    output_width,
    resize_side_min=resize_side_min,
    resize_side_max=resize_side_max,
    use_grayscale=use_grayscale,
    seed=image_ops.fresh_seed() if seed is None else seed,
  )
  return windows.carry_out(chosen, image)


def preprocess_for_eval(
  image: tf.Tensor,
  output_height: int,
  output_width: int,
  resize_side: int,
  use_grayscale: bool = False,
) -> tf.Tensor:
  """Resize, crop the centre and subtract means.

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
  chosen = eval_plan(
    tf.shape(image),
    output_height,
    output_width,
    resize_side=resize_side,
    use_grayscale=use_grayscale,
  )
  return windows.carry_out(chosen, image)


def preprocess_image(
  image: tf.Tensor,
  output_height: int,
  output_width: int,
  is_training: bool | tf.Tensor = False,
  resize_side_min: int = _RESIZE_SIDE_MIN,
  resize_side_max: int = _RESIZE_SIDE_MAX,
  use_grayscale: bool = False,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
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
  """Subtract the RGB means; a gray image loses their luma-weighted mean."""
  if use_grayscale:
    image = image_ops.grayscale(image)
  if image.shape[-1] == 1:
    red, green, blue = _RGB_MEANS
    return image - (0.2989 * red + 0.5870 * green + 0.1140 * blue)
  return image_ops.subtract_mean(image, _RGB_MEANS)


# Steps of the pipeline by the names that other programs import.


def _mean_image_subtraction(image, means):
  """Subtract a mean from each channel of an image.

  Args:
    image: [height, width, channels], of floats.
    means: one number per channel.

  Raises:
    ValueError: if there are not as many means as channels, or not one image.
  """
  if image.shape.rank != 3:
    raise ValueError(f'One image has 3 dimensions, this has {image.shape}.')
  if image.shape[-1] != len(means):
    raise ValueError(f'{len(means)} means for {image.shape[-1]} channels.')
  return image - tf.constant([*means], image.dtype)


def _aspect_preserving_resize(image, smallest_side):
  """Return an image whose smaller side is smallest_side pixels, float32."""
  height, width = image_ops.smallest_size_at_least(
    *image_ops.size(image), smallest_side
  )
  resized = image_ops.resize(image, height, width)
  resized.set_shape([None, None, image.shape[-1]])
  return resized


def _central_crop(image_list, crop_height, crop_width):
  """Return the centres of images, a list."""
  return [
    image_ops.central_crop(image, crop_height, crop_width)
    for image in image_list
  ]


def _random_crop(image_list, crop_height, crop_width):
  """Return the same window of images of one size, a list.

  Raises:
    ValueError: if there are no images.
  """
  if not image_list:
    raise ValueError('There are no images to crop.')
  size = image_ops.size(image_list[0])
  fits = [
    tf.debugging.assert_equal(
      tf.stack(image_ops.size(image)),
      tf.stack(size),
      message='The images differ in size.',
    )
    for image in image_list
  ]
  fits += [
    tf.debugging.assert_greater_equal(
      tf.stack(size),
      [crop_height, crop_width],
      message='The images are smaller than the crop.',
    )
  ]
  with tf.control_dependencies([op for op in fits if op is not None]):
    down, right = image_ops.draws(image_ops.fresh_seed(), 2)
  return [
    image_ops.random_crop(image, crop_height, crop_width, down, right)
    for image in image_list
  ]

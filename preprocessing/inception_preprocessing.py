"""Preprocessing of Inception, MobileNet and NASNet: images in [-1, 1].

Szegedy et al., "Going Deeper with Convolutions" (arXiv:1409.4842, 2014):
crops of 8 % (here 5 %) to 100 % of the image, aspect ratio 3/4 to 4/3; colours
distorted.
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from preprocessing import color_ops, image_ops, inception_plans, windows

plan = inception_plans.plan


def apply_with_random_selector(
  x: tf.Tensor, func: Callable, num_cases: int, seed: tf.Tensor | None = None
) -> tf.Tensor:
  """Return func(x, i) for one i, drawn uniformly from range(num_cases).

  Args:
    x: a tensor.
    func: takes x and a Python int, returns a tensor.
    num_cases: how many cases there are.
    seed: [2] int32 tensor, or None for a fresh one.
  """
  seed = image_ops.fresh_seed() if seed is None else seed
  (draw,) = image_ops.draws(seed, 1)
  return inception_plans.select(x, func, num_cases, draw)


def distort_color(
  image: tf.Tensor,
  color_ordering: int = 0,
  fast_mode: bool = True,
  scope: str | None = None,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
  """Jitter the colours of an RGB image.

  Args:
    image: float32 [height, width, 3] in [0, 1].
    color_ordering: which order of the operations, 0..1 in fast mode, else
      0..3.
    fast_mode: leaves out the slower hue and contrast operations.
    scope: name of the scope, optional.
    seed: [2] int32 tensor, or None for a fresh one.

  Returns:
    float32 [height, width, 3], clipped to [0, 1].

  Raises:
    ValueError: if color_ordering is out of range.
  """
  orderings = (
    inception_plans.FAST_ORDERINGS if fast_mode else inception_plans.ORDERINGS
  )
  if not 0 <= color_ordering < len(orderings):
    raise ValueError(
      f'color_ordering must be in [0, {len(orderings) - 1}], '
      f'not {color_ordering}'
    )
  with tf.name_scope(scope, 'distort_color', [image]):
    seed = image_ops.fresh_seed() if seed is None else seed
    strengths = color_ops.strengths(image_ops.draws(seed, 4))
    if fast_mode:
      return color_ops.brightness_and_saturation(
        image, strengths, brightness_first=color_ordering == 0
      )
    return inception_plans.distort_one_by_one(image, color_ordering, strengths)


def distorted_bounding_box_crop(
  image: tf.Tensor,
  bbox: tf.Tensor,
  min_object_covered: float = 0.1,
  aspect_ratio_range: tuple[float, float] = (0.75, 1.33),
  area_range: tuple[float, float] = (0.05, 1.0),
  max_attempts: int = 100,
  scope: str | None = None,
  seed: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
  """Crop a random window that covers enough of one of the boxes.

  Args:
    image: [height, width, channels].
    bbox: float32 [1, boxes, 4], each (ymin, xmin, ymax, xmax) in [0, 1]. With
      no box the window may lie anywhere in the image.
    min_object_covered: least fraction of a box inside the window.
    aspect_ratio_range: width / height of the window.
    area_range: area of the window, as a fraction of the image.
    max_attempts: tries before the whole image is taken.
    scope: name of the scope, optional.
    seed: [2] int32 tensor, or None for a fresh one.

  Returns:
    The window, [?, ?, channels], and its box, float32 [1, 1, 4].
  """
  with tf.name_scope(scope, 'distorted_bounding_box_crop', [image, bbox]):
    begin, size, box = inception_plans.sample_box(
      tf.shape(image),
      bbox,
      image_ops.fresh_seed() if seed is None else seed,
      min_object_covered=min_object_covered,
      aspect_ratio_range=aspect_ratio_range,
      area_range=area_range,
      max_attempts=max_attempts,
    )
    window = tf.slice(image, begin, size)
    window.set_shape([None, None, image.shape[-1]])
    return window, box


def preprocess_for_train(
  image: tf.Tensor,
  height: int,
  width: int,
  bbox: tf.Tensor | None,
  fast_mode: bool = True,
  scope: str | None = None,
  add_image_summaries: bool = True,
  random_crop: bool = True,
  use_grayscale: bool = False,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
  """Crop, resize, flip and recolour at random.

  Args:
    image: [height, width, channels]; integers span their type's range, floats
      are in [0, 1].
    height: rows of the result.
    width: columns of the result.
    bbox: float32 [1, boxes, 4], see `distorted_bounding_box_crop`; None stands
      for the whole image.
    fast_mode: bilinear resizing and the cheaper colour distortions only.
    scope: name of the scope, optional.
    add_image_summaries: whether to write the image to TensorBoard.
    random_crop: whether to crop at all.
    use_grayscale: whether to reduce the image to one channel.
    seed: [2] int32 tensor, or None for a fresh one.

  Returns:
    float32 [height, width, channels] in [-1, 1].
  """
  with tf.name_scope(scope, 'distort_image', [image, height, width, bbox]):
    stages = inception_plans.train_stages(
      tf.shape(image),
      height,
      width,
      bbox=bbox,
      fast_mode=fast_mode,
      random_crop=random_crop,
      use_grayscale=use_grayscale,
      seed=image_ops.fresh_seed() if seed is None else seed,
    )
    result, shown = _carry_out(stages, image, bbox)
    if add_image_summaries:
      for tag, picture in shown.items():
        tf.summary.image(tag, picture)
    return result


def pictures(
  image: tf.Tensor, height: int, width: int, seed: tf.Tensor | None = None
) -> dict[str, tf.Tensor]:
  """Return what training makes of an image, stage by stage, to look at.

  Args:
    image: uint8 [rows, columns, channels].
    height: rows of the network's images.
    width: columns of the network's images.
    seed: [2] int32 tensor, or None for a fresh one. The seed of a training
      image gives the pictures of that image's distortion.

  Returns:
    Tag in TensorBoard -> float32 [1, rows, columns, channels] in [0, 1].
  """
  stages = inception_plans.train_stages(
    tf.shape(image),
    height,
    width,
    seed=image_ops.fresh_seed() if seed is None else seed,
  )
  return {
    f'distort_image/{tag}': picture
    for tag, picture in _carry_out(stages, image, None)[1].items()
  }


def _carry_out(stages, image, bbox):
  """Return the result of the stages of training, and pictures of each."""
  pixels = windows.cut_out(stages.window, image)
  resized, white = stages.resize(pixels)
  result = stages.distort(resized, white)
  whole, white = image_ops.as_float(image)
  whole = whole[tf.newaxis] / white
  boxes = inception_plans.whole_image() if bbox is None else bbox
  shown = {
    'image_with_bounding_boxes': tf.image.draw_bounding_boxes(whole, boxes),
    'images_with_distorted_bounding_box': tf.image.draw_bounding_boxes(
      whole, stages.box
    ),
    'cropped_resized_image': resized[tf.newaxis] / white,
    'final_distorted_image': result[tf.newaxis] / 2 + 0.5,
  }
  return result, shown


def preprocess_for_eval(
  image: tf.Tensor,
  height: int | None,
  width: int | None,
  central_fraction: float = 0.875,
  scope: str | None = None,
  central_crop: bool = True,
  use_grayscale: bool = False,
) -> tf.Tensor:
  """Crop the centre and resize it.

  Args:
    image: [height, width, channels]; integers span their type's range, floats
      are in [0, 1].
    height: rows of the result; None leaves the size alone.
    width: columns of the result; None leaves the size alone.
    central_fraction: fraction of each side to keep.
    scope: name of the scope, optional.
    central_crop: whether to crop at all.
    use_grayscale: whether to reduce the image to one channel.

  Returns:
    float32 [height, width, channels] in [-1, 1].
  """
  with tf.name_scope(scope, 'eval_image', [image, height, width]):
    plan = inception_plans.eval_plan(
      tf.shape(image),
      height,
      width,
      central_fraction=central_fraction,
      central_crop=central_crop,
      use_grayscale=use_grayscale,
    )
    return windows.carry_out(plan, image)


def preprocess_image(
  image: tf.Tensor,
  height: int | None,
  width: int | None,
  is_training: bool | tf.Tensor = False,
  bbox: tf.Tensor | None = None,
  fast_mode: bool = True,
  add_image_summaries: bool = True,
  crop_image: bool = True,
  use_grayscale: bool = False,
  central_fraction: float = 0.875,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
  """See `preprocess_for_train` and `preprocess_for_eval`."""
  if not is_training:
    return preprocess_for_eval(
      image,
      height,
      width,
      central_fraction=central_fraction,
      central_crop=crop_image,
      use_grayscale=use_grayscale,
    )
  return preprocess_for_train(
    image,
    height,
    width,
    bbox,
    fast_mode=fast_mode,
    add_image_summaries=add_image_summaries,
    random_crop=crop_image,
    use_grayscale=use_grayscale,
    seed=seed,
  )

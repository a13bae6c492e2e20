"""What the Inception pipelines plan for an image; see inception_preprocessing.

Nothing here touches a pixel before the window is chosen, so that a JPEG need
not be decoded outside of it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow.compat.v1 as tf

from preprocessing import color_ops, image_ops, windows

_RESIZE_METHODS = (
  tf.image.ResizeMethod.BILINEAR,
  tf.image.ResizeMethod.NEAREST_NEIGHBOR,
  tf.image.ResizeMethod.BICUBIC,
  tf.image.ResizeMethod.AREA,
)

# The order in which the colour distortions follow each other.
FAST_ORDERINGS = (
  ('brightness', 'saturation'),
  ('saturation', 'brightness'),
)
ORDERINGS = (
  ('brightness', 'saturation', 'hue', 'contrast'),
  ('saturation', 'brightness', 'contrast', 'hue'),
  ('contrast', 'hue', 'brightness', 'saturation'),
  ('hue', 'saturation', 'contrast', 'brightness'),
)


class TrainStages(NamedTuple):
  """What training does with one image, stage by stage.

  Attributes:
    window: int32 [4], see `windows.Plan`; None for the whole image.
    box: float32 [1, 1, 4], the window as (ymin, xmin, ymax, xmax) in [0, 1].
    resize: fn(pixels of the window) -> (float32 [height, width, channels], the
      value of white in it).
    distort: fn(resized image, the value of white in it) -> float32 [height,
      width, channels] in [-1, 1].
  """

  window: tf.Tensor | None
  box: tf.Tensor
  resize: Callable
  distort: Callable


def train_stages(
  shape: tf.Tensor,
  height: int,
  width: int,
  *,
  bbox: tf.Tensor | None = None,
  fast_mode: bool = True,
  random_crop: bool = True,
  use_grayscale: bool = False,
  seed: tf.Tensor,
) -> TrainStages:
  """Return what training does with an image of a shape, int32 [3].

  See `preprocess_for_train` for the other arguments.
  """
  window, box = None, whole_image()
  if random_crop:
    boxes = whole_image() if bbox is None else bbox
    begin, size, box = sample_box(shape, boxes, seed)
    window = tf.concat([begin[:2], size[:2]], 0)

  def draws():
    return image_ops.draws(image_ops.derive(seed, 1), 7)

  def resize(pixels):
    image, white = image_ops.as_float(pixels)
    method = None if fast_mode else draws()[1]
    return _resize_for_train(image, height, width, fast_mode, method), white

  def distort(image, white):
    flip, _, *colors = draws()
    image = image_ops.random_flip(image, flip)
    return _recolor(image, white, fast_mode, use_grayscale, colors)

  return TrainStages(window, box, resize, distort)


def train_plan(
  shape: tf.Tensor, height: int, width: int, **options: Any
) -> windows.Plan:
  """Return the plan of training. See `train_stages` for the arguments."""
  stages = train_stages(shape, height, width, **options)
  return windows.Plan(
    stages.window, lambda pixels: stages.distort(*stages.resize(pixels))
  )


def whole_image() -> tf.Tensor:
  """Return the box of a whole image, float32 [1, 1, 4]."""
  return tf.constant([[[0.0, 0.0, 1.0, 1.0]]])


def _resize_for_train(image, height, width, fast_mode, draw):
  """Resize with a method drawn at random, bilinear only in fast mode."""
  channels = image.shape[-1]

  def resized(image, case):
    return image_ops.resize(image, height, width, _RESIZE_METHODS[case])

  if fast_mode:
    image = resized(image, 0)
  else:
    image = select(image, resized, len(_RESIZE_METHODS), draw)
  image.set_shape([height, width, channels])
  return image


def _recolor(image, white, fast_mode, use_grayscale, draws):
  """Distort the colours; gray images have none.

  Fast mode changes the brightness, then the saturation. Otherwise the order of
  the four operations is drawn at random.
  """
  ordering, *rest = draws
  by = color_ops.strengths(rest)
  if image.shape[-1] == 3 and fast_mode and not use_grayscale:
    return color_ops.brightness_and_saturation(
      image, by, white=white, low=-1.0, high=1.0
    )
  image /= white
  if image.shape[-1] != 3:
    image = tf.clip_by_value(image + by.brightness, 0.0, 1.0)
  elif fast_mode:
    image = color_ops.brightness_and_saturation(image, by)
  else:
    shape = image.shape
    image = select(
      image,
      lambda x, case: distort_one_by_one(x, case, by),
      len(ORDERINGS),
      ordering,
    )
    image.set_shape(shape)
  if use_grayscale:
    image = image_ops.grayscale(image)
  return (image - 0.5) * 2.0


def eval_plan(
  shape: tf.Tensor,
  height: int | None,
  width: int | None,
  *,
  central_fraction: float = 0.875,
  central_crop: bool = True,
  use_grayscale: bool = False,
) -> windows.Plan:
  """Return the plan of evaluation for an image of a shape, int32 [3].

  See `preprocess_for_eval` for the other arguments.
  """
  window = None
  if central_crop and central_fraction:
    window = windows.central(shape, central_fraction)

  def finish(pixels):
    image, white = image_ops.as_float(pixels)
    if use_grayscale:
      image = image_ops.grayscale(image)
    channels = image.shape[-1]
    if height and width:
      image = image_ops.resize(image, height, width)
      image.set_shape([height, width, channels])
    return image * (2.0 / white) - 1.0

  return windows.Plan(window, finish)


plan = windows.planner(train_plan, eval_plan)


def select(
  x: tf.Tensor, func: Callable, num_cases: int, draw: tf.Tensor
) -> tf.Tensor:
  """Return func(x, i) for the i that a draw of [0, 1) falls on."""
  return tf.switch_case(
    image_ops.scaled_int(draw, 0, num_cases),
    [lambda i=i: func(x, i) for i in range(num_cases)],
  )


def distort_one_by_one(
  image: tf.Tensor, color_ordering: int, strengths: color_ops.Strengths
) -> tf.Tensor:
  """Apply all four distortions to an image in [0, 1], in that order."""
  for name in ORDERINGS[color_ordering]:
    image = color_ops.OPERATIONS[name](image, strengths)
  return tf.clip_by_value(image, 0.0, 1.0)


def sample_box(
  shape: tf.Tensor,
  bbox: tf.Tensor,
  seed: tf.Tensor,
  *,
  min_object_covered: float = 0.1,
  aspect_ratio_range: tuple[float, float] = (0.75, 1.33),
  area_range: tuple[float, float] = (0.05, 1.0),
  max_attempts: int = 100,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Return begin [3], size [3] and box [1, 1, 4] of a random window."""
  # compat.v1 has no stateless_sample_distorted_bounding_box.
  return tf.raw_ops.StatelessSampleDistortedBoundingBox(
    image_size=shape,
    bounding_boxes=bbox,
    min_object_covered=min_object_covered,
    seed=seed,
    aspect_ratio_range=aspect_ratio_range,
    area_range=area_range,
    max_attempts=max_attempts,
    use_image_if_no_bounding_boxes=True,
  )

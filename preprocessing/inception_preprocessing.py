"""Preprocessing of Inception, MobileNet and NASNet: images in [-1, 1].

Szegedy et al., "Going Deeper with Convolutions" (arXiv:1409.4842, 2014):
crops of 8 % (here 5 %) to 100 % of the image, aspect ratio 3/4 to 4/3; colour
distortions after Howard, "Some Improvements on Deep Convolutional Neural
Network Based Image Classification" (arXiv:1312.5402, 2013).
"""

import tensorflow.compat.v1 as tf

from preprocessing import image_ops

_RESIZE_METHODS = (
  tf.image.ResizeMethod.BILINEAR,
  tf.image.ResizeMethod.NEAREST_NEIGHBOR,
  tf.image.ResizeMethod.BICUBIC,
  tf.image.ResizeMethod.AREA,
)

# The order in which the colour distortions follow each other.
_FAST_ORDERINGS = (
  ('brightness', 'saturation'),
  ('saturation', 'brightness'),
)
_ORDERINGS = (
  ('brightness', 'saturation', 'hue', 'contrast'),
  ('saturation', 'brightness', 'contrast', 'hue'),
  ('contrast', 'hue', 'brightness', 'saturation'),
  ('hue', 'saturation', 'contrast', 'brightness'),
)


def apply_with_random_selector(x, func, num_cases, seed=None):
  """Returns func(x, i) for one i, drawn uniformly from range(num_cases).

  Args:
    x: a tensor.
    func: takes x and a Python int, returns a tensor.
    num_cases: how many cases there are.
    seed: [2] int32 tensor, or None for a fresh one.
  """
  seed = image_ops.fresh_seed() if seed is None else seed
  case = image_ops.uniform_int(seed, 0, num_cases)
  return tf.switch_case(
    case, [lambda i=i: func(x, i) for i in range(num_cases)]
  )


def distort_color(
  image, color_ordering=0, fast_mode=True, scope=None, seed=None
):
  """Jitters the colours of an RGB image.

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
  orderings = _FAST_ORDERINGS if fast_mode else _ORDERINGS
  if not 0 <= color_ordering < len(orderings):
    raise ValueError(
      f'color_ordering must be in [0, {len(orderings) - 1}], '
      f'not {color_ordering}'
    )
  with tf.name_scope(scope, 'distort_color', [image]):
    seed = image_ops.fresh_seed() if seed is None else seed
    for name in orderings[color_ordering]:
      image = _COLOR_OPERATIONS[name](image, seed)
    return tf.clip_by_value(image, 0.0, 1.0)


def _brightness(image, seed):
  delta = image_ops.uniform(image_ops.derive(seed, 11), -32 / 255, 32 / 255)
  return image + delta


def _saturation(image, seed):
  factor = image_ops.uniform(image_ops.derive(seed, 12), 0.5, 1.5)
  return tf.image.adjust_saturation(image, factor)


def _hue(image, seed):
  delta = image_ops.uniform(image_ops.derive(seed, 13), -0.2, 0.2)
  return tf.image.adjust_hue(image, delta)


def _contrast(image, seed):
  factor = image_ops.uniform(image_ops.derive(seed, 14), 0.5, 1.5)
  return tf.image.adjust_contrast(image, factor)


_COLOR_OPERATIONS = {
  'brightness': _brightness,
  'saturation': _saturation,
  'hue': _hue,
  'contrast': _contrast,
}


def distorted_bounding_box_crop(
  image,
  bbox,
  min_object_covered=0.1,
  aspect_ratio_range=(0.75, 1.33),
  area_range=(0.05, 1.0),
  max_attempts=100,
  scope=None,
  seed=None,
):
  """Crops a random window that covers enough of one of the boxes.

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
    seed = image_ops.fresh_seed() if seed is None else seed
    begin, size, box = tf.image.stateless_sample_distorted_bounding_box(
      tf.shape(image),
      bounding_boxes=bbox,
      seed=seed,
      min_object_covered=min_object_covered,
      aspect_ratio_range=aspect_ratio_range,
      area_range=area_range,
      max_attempts=max_attempts,
      use_image_if_no_bounding_boxes=True,
    )
    window = tf.slice(image, begin, size)
    window.set_shape([None, None, image.shape[-1]])
    return window, box


def preprocess_for_train(
  image,
  height,
  width,
  bbox,
  fast_mode=True,
  scope=None,
  add_image_summaries=True,
  random_crop=True,
  use_grayscale=False,
  seed=None,
):
  """Crops, resizes, flips and recolours at random.

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
    seed = image_ops.fresh_seed() if seed is None else seed
    image = image_ops.to_unit_range(image)
    if bbox is None:
      bbox = tf.constant([[[0.0, 0.0, 1.0, 1.0]]])
    if add_image_summaries:
      boxed = tf.image.draw_bounding_boxes(tf.expand_dims(image, 0), bbox)
      tf.summary.image('image_with_bounding_boxes', boxed)
    if random_crop:
      image, _ = distorted_bounding_box_crop(image, bbox, seed=seed)
    image = _resize_for_train(image, height, width, fast_mode, seed)
    image = image_ops.random_flip(image, image_ops.derive(seed, 1))
    image = _recolor(image, fast_mode, seed)
    if use_grayscale:
      image = image_ops.grayscale(image)
    if add_image_summaries:
      tf.summary.image('final_distorted_image', tf.expand_dims(image, 0))
    return (image - 0.5) * 2.0


def _resize_for_train(image, height, width, fast_mode, seed):
  """Resizes with a method drawn at random, bilinear only in fast mode."""
  channels = image.shape[-1]
  methods = _RESIZE_METHODS[:1] if fast_mode else _RESIZE_METHODS

  def resized(image, case):
    return image_ops.resize(image, height, width, methods[case])

  if len(methods) == 1:
    image = resized(image, 0)
  else:
    image = apply_with_random_selector(
      image, resized, len(methods), image_ops.derive(seed, 2)
    )
  image.set_shape([height, width, channels])
  return image


def _recolor(image, fast_mode, seed):
  """Distorts the colours in an order drawn at random; gray has none."""
  shape = image.shape
  if shape[-1] != 3:
    return tf.clip_by_value(_brightness(image, seed), 0.0, 1.0)
  image = apply_with_random_selector(
    image,
    lambda x, case: distort_color(x, case, fast_mode, seed=seed),
    len(_FAST_ORDERINGS if fast_mode else _ORDERINGS),
    image_ops.derive(seed, 3),
  )
  image.set_shape(shape)
  return image


def preprocess_for_eval(
  image,
  height,
  width,
  central_fraction=0.875,
  scope=None,
  central_crop=True,
  use_grayscale=False,
):
  """Crops the centre and resizes.

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
    image = image_ops.to_unit_range(image)
    if use_grayscale:
      image = image_ops.grayscale(image)
    channels = image.shape[-1]
    if central_crop and central_fraction:
      image = tf.image.central_crop(image, central_fraction)
    if height and width:
      image = image_ops.resize(image, height, width)
      image.set_shape([height, width, channels])
    return (image - 0.5) * 2.0


def preprocess_image(
  image,
  height,
  width,
  is_training=False,
  bbox=None,
  fast_mode=True,
  add_image_summaries=True,
  crop_image=True,
  use_grayscale=False,
  central_fraction=0.875,
  seed=None,
):
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

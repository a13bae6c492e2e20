"""Which part of an image a pipeline looks at, and how that part is cut out.

A pipeline first plans: from the shape of the image and a seed alone it chooses
a window of it and says how the pixels there become the network's input. The
window is then cut out of a decoded image, or decoded alone out of a JPEG, with
the same result.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow.compat.v1 as tf


class Plan(NamedTuple):
  """What a pipeline is going to do with one image.

  Attributes:
    window: int32 [4]: top, left, height and width of the part of the image
      that is looked at, in pixels; None stands for the whole image.
    finish: fn(pixels of the window) -> float32 [height, width, channels].
  """

  window: tf.Tensor | None
  finish: Callable


def planner(train_plan: Callable, eval_plan: Callable) -> Callable:
  """Return the function that plans for training or for evaluation.

  Args:
    train_plan: fn(shape, height, width, seed=seed) -> Plan.
    eval_plan: fn(shape, height, width) -> Plan.

  Returns:
    fn(shape, height, width, is_training, seed=None) -> Plan, with default
    settings; `seed` is a [2] int32 tensor, evaluation needs none.
  """

  def plan(shape, height, width, is_training, seed=None):
    if is_training:
      return train_plan(shape, height, width, seed=seed)
    return eval_plan(shape, height, width)

  return plan


def carry_out(plan: Plan, image: tf.Tensor) -> tf.Tensor:
  """Return the result of a plan for a decoded image."""
  return plan.finish(cut_out(plan.window, image))


def cut_out(window: tf.Tensor | None, image: tf.Tensor) -> tf.Tensor:
  """Return the pixels of a window of a decoded image; see `Plan`."""
  if window is None:
    return image
  top, left, height, width = tf.unstack(window)
  pixels = tf.slice(image, [top, left, 0], [height, width, -1])
  pixels.set_shape([None, None, image.shape[-1]])
  return pixels


def carry_out_on_jpeg(
  plan: Plan, encoded: tf.Tensor, shape: tf.Tensor
) -> tf.Tensor:
  """Return the result of a plan for a JPEG of three channels.

  Args:
    plan: the Plan.
    encoded: string scalar, the JPEG.
    shape: int32 [3], its shape.
  """
  if plan.window is None:
    return plan.finish(tf.image.decode_jpeg(encoded, channels=3))
  top, left, height, width = tf.unstack(plan.window)
  # Rows above and below are skipped. Columns are cut afterwards: leaving them
  # out takes the decoder longer than decoding them, unless the window is tiny,
  # and it would smooth the chroma at the window's rim otherwise.
  rows = tf.image.decode_and_crop_jpeg(
    encoded, tf.stack([top, 0, height, shape[1]]), channels=3
  )
  pixels = tf.slice(rows, [0, left, 0], [-1, width, -1])
  pixels.set_shape([None, None, 3])
  return plan.finish(pixels)


def rgb_jpeg_shape(encoded: tf.Tensor) -> tf.Tensor:
  """Return the shape, int32 [3], of a JPEG that decodes to RGB as it is.

  Zeros stand for anything else: other formats, grayscale and CMYK.

  Args:
    encoded: string scalar, an image in any format.
  """
  shape = tf.cond(
    tf.image.is_jpeg(encoded),
    lambda: tf.image.extract_jpeg_shape(encoded),
    lambda: tf.zeros([3], tf.int32),
  )
  return tf.where(tf.equal(shape[2], 3), shape, tf.zeros_like(shape))


def central(shape: tf.Tensor, fraction: float) -> tf.Tensor:
  """Return the window that keeps a fraction of each side, about the centre.

  Args:
    shape: int32 [3], the shape of the image.
    fraction: in (0, 1].
  """
  sides = tf.cast(shape[:2], tf.float64)
  start = tf.cast((sides - sides * fraction) / 2, tf.int32)
  return tf.concat([start, shape[:2] - 2 * start], 0)


def resized(
  shape: tf.Tensor,
  resized_shape: Sequence[tf.Tensor],
  start: Sequence[tf.Tensor],
  height: int,
  width: int,
) -> Plan:
  """Return the plan that resizes bilinearly and crops, in one.

  Resizes only what the crop keeps: the pixels are those of
  `image_ops.resize(image, *resized_shape)`, cut at `start`, up to the rounding
  of positions (about 1e-5 pixels).

  Args:
    shape: int32 [3], the shape of the image.
    resized_shape: int32 (rows, columns), what the image would be resized to.
    start: int32 (top, left) of the crop in the resized image.
    height: rows of the crop.
    width: columns of the crop.
  """
  rows = _Axis(shape[0], resized_shape[0], start[0], height)
  columns = _Axis(shape[1], resized_shape[1], start[1], width)

  def finish(pixels):
    pixels = tf.cond(
      tf.logical_or(rows.beyond, columns.beyond),
      lambda: tf.pad(pixels, [[0, 1], [0, 1], [0, 0]], 'SYMMETRIC'),
      lambda: pixels,
    )
    size = tf.cast(tf.shape(pixels)[:2] - 1, tf.float32)
    first = tf.stack([rows.first, columns.first]) / size
    last = tf.stack([rows.last, columns.last]) / size
    image = tf.image.crop_and_resize(
      tf.cast(pixels, tf.float32)[tf.newaxis],
      boxes=tf.concat([first, last], 0)[tf.newaxis],
      box_indices=[0],
      crop_size=[height, width],
    )[0]
    image.set_shape([height, width, pixels.shape[-1]])
    return image

  window = [rows.start, columns.start, rows.length, columns.length]
  return Plan(tf.stack(window), finish)


class _Axis:
  """Where the samples of one axis lie in the image.

  Attributes:
    start: the first pixel that is needed.
    length: how many pixels are needed.
    first: position of the first sample, in pixels from `start`.
    last: position of the last sample, likewise.
    beyond: whether samples lie beyond the last pixel, which is then repeated.
  """

  def __init__(self, length, resized_length, offset, samples):
    scale = tf.cast(length, tf.float32) / tf.cast(resized_length, tf.float32)
    first = tf.cast(offset, tf.float32) * scale
    last = tf.cast(offset + samples - 1, tf.float32) * scale
    self.start = tf.cast(tf.floor(first), tf.int32)
    # One pixel more than the last sample needs keeps it off the rim, where
    # rounding might take it for one outside of the image.
    end = tf.minimum(tf.cast(tf.floor(last), tf.int32) + 3, length)
    self.length = end - self.start
    self.first = first - tf.cast(self.start, tf.float32)
    self.last = last - tf.cast(self.start, tf.float32)
    self.beyond = last > tf.cast(length - 1, tf.float32) - 1e-3

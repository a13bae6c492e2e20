"""Distortions of the colours of an image.

After Howard, "Some Improvements on Deep Convolutional Neural Network Based
Image Classification" (arXiv:1312.5402, 2013).
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from preprocessing import image_ops

_BRIGHTNESS = 32 / 255
_HUE = 0.2
_FACTORS = (0.5, 1.5)


class Strengths(NamedTuple):
  """How strongly the colours of one image are distorted; float32 scalars.

  Attributes:
    brightness: added, where white is 1.
    saturation: factor of the saturation.
    hue: added to the hue, where a full turn is 1.
    contrast: factor of the distance from the mean.
  """

  brightness: tf.Tensor
  saturation: tf.Tensor
  hue: tf.Tensor
  contrast: tf.Tensor


def strengths(draws: Sequence[tf.Tensor]) -> Strengths:
  """Return the strengths that follow from four draws of [0, 1)."""
  brightness, saturation, hue, contrast = draws
  return Strengths(
    image_ops.scaled(brightness, -_BRIGHTNESS, _BRIGHTNESS),
    image_ops.scaled(saturation, *_FACTORS),
    image_ops.scaled(hue, -_HUE, _HUE),
    image_ops.scaled(contrast, *_FACTORS),
  )


OPERATIONS = {
  'brightness': lambda image, by: image + by.brightness,
  'saturation': lambda image, by: tf.image.adjust_saturation(
    image, by.saturation
  ),
  'hue': lambda image, by: tf.image.adjust_hue(image, by.hue),
  'contrast': lambda image, by: tf.image.adjust_contrast(image, by.contrast),
}


def brightness_and_saturation(
  image: tf.Tensor,
  by: Strengths,
  brightness_first: bool = True,
  *,
  white: float = 1.0,
  low: float = 0.0,
  high: float = 1.0,
) -> tf.Tensor:
  """Adjust brightness and saturation, clip and scale, in one pass.

  Does what `tf.image.adjust_brightness` and `adjust_saturation` do, in that
  order or the other, in a tenth of the time. In the HSV model V is the greatest
  channel and S = range / V. A saturation f times as great, at most 1, moves
  each channel x to V - (V - x) min(f, V / range). Brightness adds to V and
  leaves V - x and the range alone, so the order matters in one place only, the
  bound V / range.

  Args:
    image: float32 [height, width, 3] in [0, white].
    by: the Strengths.
    brightness_first: whether the brightness is changed before the saturation.
    white: the value of white in the image.
    low: what 0 becomes.
    high: what white becomes.

  Returns:
    float32 [height, width, 3], clipped to [low, high].
  """
  before = by.brightness if brightness_first else tf.constant(0.0)
  result = _one_pass(
    image,
    before * white,
    by.brightness * white,
    by.saturation,
    white,
    low,
    high,
  )
  result.set_shape(image.shape)
  return result


def _recolor(image, before, brightness, saturation, white, low, high):
  """Compute one channel after the other, which vectorizes well."""
  channels = tf.unstack(image, axis=-1)
  top = tf.maximum(tf.maximum(channels[0], channels[1]), channels[2])
  bottom = tf.minimum(tf.minimum(channels[0], channels[1]), channels[2])
  # Where the range is 0 the channels are equal, and any factor will do.
  bound = tf.nn.relu(top + before) / tf.maximum(top - bottom, 1e-6)
  scale = (high - low) / white
  factor = tf.minimum(saturation, bound) * scale
  base = top * (scale - factor) + (brightness * scale + low)
  result = tf.stack([channel * factor + base for channel in channels])
  return tf.transpose(tf.clip_by_value(result, low, high), [1, 2, 0])


# XLA fuses the twenty operations into one loop: four times as fast.
_one_pass = tf.function(_recolor, jit_compile=True, autograph=False)

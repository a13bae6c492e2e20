"""A preprocessing in the parts that an input pipeline runs.

Importing this module does not import TensorFlow.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple


class Parts(NamedTuple):
  """A preprocessing in the parts that an input pipeline runs.

  It has either a plan, for large images, or a start and a finish, for small
  ones, which are quicker to finish a batch at a time.

  Attributes:
    plan: fn(shape, height, width, is_training, seed) -> windows.Plan.
    start: fn(image, height, width, is_training, seed) -> dict of tensors.
    finish: fn(dict of batched tensors) -> float32 images.
    pictures: fn(image, height, width, seed) -> tag in TensorBoard -> images
      that show what training makes of an image; None if there are none.
  """

  plan: Callable | None = None
  start: Callable | None = None
  finish: Callable | None = None
  pictures: Callable | None = None


def of(implementation: Any) -> Parts:
  """Return the parts of a preprocessing.

  Args:
    implementation: module or object with `plan`, or with `start` and `finish`,
      or with `preprocess_image` alone, which then gets the whole image.
  """
  found = {
    name: getattr(implementation, name)
    for name in Parts._fields
    if hasattr(implementation, name)
  }
  if 'plan' not in found and not {'start', 'finish'} <= found.keys():
    found['plan'] = _whole_image(implementation.preprocess_image)
  return Parts(**found)


def _whole_image(preprocess_image: Callable) -> Callable:
  """Return the plan that gives all of an image to a function."""

  def plan(shape, height, width, is_training, seed=None):
    from preprocessing import windows

    del shape
    options = {'is_training': is_training}
    if seed is not None and takes(preprocess_image, 'seed'):
      options['seed'] = seed

    def finish(image):
      return without_summaries(
        lambda: preprocess_image(image, height, width, **options)
      )

    return windows.Plan(None, finish)

  return plan


def without_summaries(build: Callable[[], Any]) -> Any:
  """Return what a function builds, and drop the summaries that it adds.

  A summary of an image cannot be merged with those of the graph if the image
  is a tensor of an input pipeline.
  """
  import tensorflow.compat.v1 as tf

  summaries = tf.get_collection_ref(tf.GraphKeys.SUMMARIES)
  count = len(summaries)
  result = build()
  del summaries[count:]
  return result


def takes(function: Callable, argument: str) -> bool:
  """Return whether a function has an argument of that name."""
  return argument in inspect.signature(function).parameters

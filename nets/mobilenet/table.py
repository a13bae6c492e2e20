"""A MobileNet as a table of layers, and how a row of it becomes a layer.

A table, the `conv_defs`, is a dict of

* 'spec': one `op(function, **arguments)` a layer, in order. The function takes
  the net and the arguments, among them `stride`.
* 'defaults': {functions: arguments} of arg scopes around all layers.
* 'overrides': the same, opened inside the defaults. Optional.
"""

import inspect
import posixpath
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import tensorflow.compat.v1 as tf

from nets.mobilenet.layers import fixed_padding, make_divisible
from tf_slim_compat import slim


@slim.add_arg_scope
def depth_multiplier(
  output_params: dict[str, Any],
  multiplier: float,
  divisible_by: int = 8,
  min_depth: int = 8,
  **unused_kwargs: Any,
) -> None:
  """Multiply the width in a layer's arguments.

  Args:
    output_params: the arguments, changed in place: 'num_outputs', if there.
    multiplier: what to multiply by.
    divisible_by: the new width is a multiple of this.
    min_depth: the least width.
    **unused_kwargs: left alone.
  """
  if 'num_outputs' in output_params:
    output_params['num_outputs'] = make_divisible(
      output_params['num_outputs'] * multiplier, divisible_by, min_depth
    )


class Op(NamedTuple):
  """A layer: its function, its arguments, and how those are widened."""

  op: Callable
  params: dict[str, Any]
  multiplier_func: Callable


def op(
  opfunc: Callable, multiplier_func: Callable = depth_multiplier, **params: Any
) -> Op:
  """Return a layer for a table.

  Args:
    opfunc: makes the layer from the net and the arguments.
    multiplier_func: called with the arguments and the depth multiplier; changes
      the arguments in place.
    **params: the arguments.
  """
  return Op(opfunc, params=params, multiplier_func=multiplier_func)


def keep_width(params: dict[str, Any], multiplier: float) -> None:
  """Do nothing: the `multiplier_func` of layers that are always as wide."""
  del params, multiplier


def strides_and_rates(
  strides: Iterable[int], output_stride: int | None
) -> Iterator[tuple[int, int]]:
  """Yield (stride, rate) of each layer.

  Strides are spent until their product is `output_stride`; from there on each
  becomes dilation of the layers after it.
  """
  spent = rate = 1
  for stride in strides:
    if spent == output_stride:
      yield 1, rate
      rate *= stride
    else:
      yield stride, 1
      spent *= stride


def kernel_size(params: dict[str, Any]) -> tuple[int, int] | None:
  """Return (height, width) of a layer's kernel, None if it does not say."""
  size = params.get('kernel_size')
  return (size, size) if isinstance(size, int) else size and tuple(size)


def pad_for(net: tf.Tensor, opdef: Op, params: dict[str, Any]) -> tf.Tensor:
  """Pad explicitly, or let the layer do it if it can (changes params)."""
  if 'use_explicit_padding' in inspect.signature(opdef.op).parameters:
    params['use_explicit_padding'] = True
  elif kernel_size(params):
    net = fixed_padding(net, kernel_size(params), params.get('rate', 1))
  return net


def inner_outputs(layers: dict[str, str], first: int) -> dict[str, tf.Tensor]:
  """Return what layers call an output, as 'layer_3/expansion_output'.

  Args:
    layers: end point of the layer for each scope of names.
    first: number of operations in the graph before the layers were built.
  """
  found = {}
  for operation in tf.get_default_graph().get_operations()[first:]:
    scope, name = posixpath.split(operation.name)
    if scope in layers and name.endswith('output'):
      found[f'{layers[scope]}/{name}'] = operation.outputs[0]
  return found

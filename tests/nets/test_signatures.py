"""Functions that other programs call keep their arguments and defaults."""

import importlib
import inspect
import json
import pathlib

import pytest

from nets.mobilenet import mobilenet, mobilenet_v3
from nets.nasnet import nasnet, nasnet_utils, network

_SIGNATURES = json.loads(
  (pathlib.Path(__file__).parent / 'signatures.json').read_text()
)


def _arguments(function):
  """Returns names and defaults as they are written in the file."""
  shown = []
  for parameter in inspect.signature(function).parameters.values():
    default = parameter.default
    stars = {parameter.VAR_POSITIONAL: '*', parameter.VAR_KEYWORD: '**'}
    text = stars.get(parameter.kind, '') + parameter.name
    if default is not parameter.empty:
      name = getattr(default, '__name__', None) or repr(default)
      in_call = '<locals>' in getattr(default, '__qualname__', '')
      text += '=X' if in_call else f'={name}'
    shown.append((text, parameter))
  return shown


@pytest.mark.parametrize(
  ('module', 'function'),
  [(m, f) for m, functions in _SIGNATURES.items() for f in functions],
)
def test_signature(module, function):
  expected = _SIGNATURES[module][function]
  arguments = _arguments(getattr(importlib.import_module(module), function))
  count = len(expected.split(', ')) - expected.count('(3, 3)')
  count -= expected.count('(0.75, 1.33)') + expected.count('(0.05, 1.0)')
  assert ', '.join(text for text, _ in arguments[:count]) == expected
  # Arguments of our own come after the others, and nobody has to give them.
  assert all(
    parameter.default is not parameter.empty
    or parameter.kind is parameter.VAR_KEYWORD
    for _, parameter in arguments[count:]
  )


def test_names_of_mobilenet_v3():
  assert mobilenet_v3.training_scope is mobilenet.training_scope
  assert mobilenet_v3.expand_input(6)(num_inputs=16) == 96


@pytest.mark.parametrize('stem_type', ['cifar', 'imagenet'])
def test_nasnet_of_the_callers_cells(stem_type):
  import tensorflow.compat.v1 as tf

  from tf_slim_compat import slim

  config = nasnet.cifar_config()
  config.set_hparam('num_cells', 3)
  config.set_hparam('num_conv_filters', 4)
  normal, reduction = (
    cell(4, 1.0, 5, 100, False)
    for cell in (
      nasnet_utils.NasNetANormalCell,
      nasnet_utils.NasNetAReductionCell,
    )
  )
  with (
    slim.arg_scope(nasnet.nasnet_cifar_arg_scope()),
    network.layer_scope('NHWC', is_training=False),
  ):
    logits, end_points = nasnet._build_nasnet_base(
      tf.zeros([2, 32, 32, 3]),
      normal,
      reduction,
      7,
      config,
      False,
      stem_type,
    )
  assert logits.shape.as_list() == [2, 7]
  assert 'Cell_2' in end_points
  with pytest.raises(ValueError, match='stem_type'):
    nasnet._build_nasnet_base(
      tf.zeros([2, 32, 32, 3]), normal, reduction, 7, config, False, 'large'
    )

"""Properties of every registered network.

The facts in tests/contract are those of the released checkpoints and of
graphs that users have exported, not of this code.
"""

import importlib
import inspect

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import nets_factory
from slim_support import errors
from tests.contract import builds, golden


def _parametrize(names, slow=()):
  return pytest.mark.parametrize(
    'name',
    [
      pytest.param(name, marks=[pytest.mark.slow] if name in slow else [])
      for name in sorted(names)
    ],
  )


def _families():
  """Returns the smallest network of each family."""
  families = {}
  for name in nets_factory.networks():
    row = nets_factory.network(name)
    families.setdefault((row.module, row.arg_scope), []).append(name)
  return {
    min(family, key=lambda n: len(builds.contract(n)['variables']))
    for family in families.values()
  }


_ALL = nets_factory.networks()
_GOLDEN = [n for n in _ALL if 'golden' in builds.contract(n)]
# Those that take seconds to build: one build of each has to do by default.
_DEEP = {n for n in _ALL if len(builds.contract(n)['variables']) > 500}


def _signature(function):
  """Returns names and defaults of arguments, functions by their names."""
  shown = []
  for parameter in inspect.signature(function).parameters.values():
    default = parameter.default
    stars = {parameter.VAR_POSITIONAL: '*', parameter.VAR_KEYWORD: '**'}
    text = stars.get(parameter.kind, '') + parameter.name
    if default is not parameter.empty:
      text += f'={getattr(default, "__name__", None) or repr(default)}'
    shown.append(text)
  return f'({", ".join(shown)})'


def _function(full_name):
  module, function = full_name.rsplit('.', 1)
  return getattr(importlib.import_module(module), function)


def _full_name(function):
  return f'{function.__module__}.{function.__name__}'


def test_every_network_has_a_contract():
  contracts = {path.stem for path in builds.FOLDER.glob('*.json')}
  assert set(nets_factory.networks()) == contracts


@_parametrize(_ALL)
def test_variables(name):
  shown = builds.shown(name, False).variables
  assert shown == builds.contract(name)['variables']


@_parametrize(_ALL)
def test_end_points_for_a_batch_of_unknown_size(name):
  shown = builds.shown(name, False).end_points
  assert shown == builds.contract(name)['end_points']


@_parametrize(_ALL)
def test_output_names(name):
  shown, contract = builds.shown(name, False), builds.contract(name)
  assert shown.logits_op == contract['logits_op']
  assert shown.predictions_op == contract['predictions_op']


@_parametrize(_ALL)
def test_cost(name):
  shown, row = builds.shown(name, False), nets_factory.network(name)
  assert shown.parameters == builds.contract(name)['parameters']
  assert row.parameters == shown.parameters
  assert row.multiply_adds == shown.multiply_adds


@_parametrize(_ALL, slow=_DEEP)
def test_training_adds(name):
  shown, plain = builds.shown(name, True), builds.contract(name)
  contract = plain['training']
  names = {v['name'] for v in shown.variables}
  extra = names - {v['name'] for v in plain['variables']}
  assert sorted(extra) == contract['extra_variables']
  extra = shown.end_points.keys() - plain['end_points'].keys()
  assert sorted(extra) == contract['extra_end_points']
  assert shown.regularization_losses == contract['regularization_losses']
  assert shown.update_ops == contract['update_ops']


@_parametrize(_ALL)
def test_function_and_arg_scope(name):
  contract, row = builds.contract(name), nets_factory.network(name)
  function = _function(f'{row.module}.{row.function}')
  arg_scope = _function(row.arg_scope)
  assert _full_name(function) == contract['function']
  assert _signature(function) == contract['signature']
  assert function.default_image_size == contract['default_image_size']
  assert _full_name(arg_scope) == contract['arg_scope']
  assert _signature(arg_scope) == contract['arg_scope_signature']


@_parametrize(_ALL)
def test_row(name):
  contract, row = builds.contract(name), nets_factory.network(name)
  network_fn = nets_factory.get_network_fn(name, 5)
  assert row.image_size == contract['default_image_size']
  assert row.classes == contract['num_classes']
  assert network_fn.default_image_size == row.image_size
  assert network_fn.default_channels == row.default_channels
  assert network_fn.__name__ == contract['function'].rsplit('.', 1)[1]


@_parametrize(
  _GOLDEN, slow=set(_GOLDEN) - {'lenet', 'cifarnet', 'mobilenet_v1'}
)
def test_logits(name):
  contract = builds.contract(name)
  expected = contract['golden']
  row = nets_factory.network(name)
  logits, _ = builds.build(name, False, contract['num_classes'])
  with tf.Session() as session:
    golden.load(tf, session, expected['gain'])
    images = golden.images(row.image_size, builds.channels(name))
    actual = golden.digest(session.run(logits, {'input:0': images}))
  scale = expected['norm'] / np.sqrt(np.prod(expected['shape']))
  assert actual['shape'] == expected['shape']
  assert actual['argmax'] == expected['argmax']
  assert actual['norm'] == pytest.approx(expected['norm'], rel=1e-4)
  np.testing.assert_allclose(
    actual['head'], expected['head'], rtol=1e-4, atol=1e-4 * scale
  )


@_parametrize(_families(), slow=_DEEP)
def test_without_classes_it_gives_features(name):
  features, _ = builds.build(name, is_training=False, num_classes=None)
  names = {v.op.name for v in tf.global_variables()}
  contract = {v['name']: v for v in builds.contract(name)['variables']}
  left_out = contract.keys() - names
  assert names < contract.keys()
  assert all(
    contract[n]['shape'][-1] == builds.contract(name)['num_classes']
    or 'Aux' in n
    for n in left_out
  )
  assert features.shape.rank in (2, 4)


@_parametrize(_ALL, slow=_DEEP)
def test_evaluation_shares_the_variables_of_training(name):
  assert builds.shown(name, True).shared


@_parametrize(_families(), slow=_DEEP)
def test_smallest_image(name):
  """A network can be built for its least size, and says it if one is less."""
  least = nets_factory.network(name).smallest_image
  builds.build(name, is_training=True, num_classes=5, size=least)
  tf.reset_default_graph()
  if least > 1:
    with pytest.raises(
      errors.UserError, match=rf'too small.* needs {least} x {least} or more'
    ):
      builds.build(name, is_training=True, num_classes=5, size=least - 1)


def test_images_that_are_too_large_for_one_result():
  with pytest.raises(errors.UserError, match='its own size is 224 x 224'):
    builds.build('vgg_a', is_training=False, num_classes=5, size=288)


@_parametrize(_ALL)
def test_smallest_image_is_that_of_the_family(name):
  """Networks of one family differ in width and depth only."""
  row = nets_factory.network(name)
  assert row.smallest_image in {
    nets_factory.network(other).smallest_image
    for other in _families()
    if nets_factory.network(other).arg_scope == row.arg_scope
  }

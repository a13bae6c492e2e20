"""What holds for every member of the Inception family."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import inception
from tf_slim_compat import slim

CONTRACT = pathlib.Path(__file__).parents[1] / 'contract'
NETWORKS = {
  'inception_v1': 'Mixed_5c',
  'inception_v2': 'Mixed_5c',
  'inception_v3': 'Mixed_7c',
  'inception_v4': 'Mixed_7d',
  'inception_resnet_v2': 'Conv2d_7b_1x1',
}
WITH_AUX = {
  'inception_v3': 'Mixed_6e',
  'inception_v4': 'Mixed_6h',
  'inception_resnet_v2': 'PreAuxLogits',
}
# The side of the smallest images; v1 and v2 pad everywhere.
LEAST_SIDE = {'inception_v3': 75, 'inception_v4': 75, 'inception_resnet_v2': 75}
ABOVE_BASE = {
  'AuxLogits',
  'AvgPool_0a_7x7',
  'AvgPool_1a',
  'Logits',
  'PreLogits',
  'PreLogitsFlatten',
  'Predictions',
  'global_pool',
}
HEAVY_IS_SLOW = [
  'inception_v3',
  pytest.param('inception_v4', marks=pytest.mark.slow),
  pytest.param('inception_resnet_v2', marks=pytest.mark.slow),
]
# The blocks with a pool of stride 1 in a branch, by the kind of pool.
POOLED = {
  'inception_v1': {'MaxPool': '3b 3c 4b 4c 4d 4e 4f 5b 5c'},
  'inception_v2': {'AvgPool': '3b 3c 4b 4c 4d 4e 5b', 'MaxPool': '5c'},
  'inception_v3': {'AvgPool': '5b 5c 5d 6b 6c 6d 6e 7b 7c'},
  'inception_v4': {'AvgPool': '5b 5c 5d 5e 6b 6c 6d 6e 6f 6g 6h 7b 7c 7d'},
  'inception_resnet_v2': {'AvgPool': '5b'},
}
PREFIXES = [
  ('inception_v1', 'Conv2d_1a_7x7'),
  ('inception_v1', 'MaxPool_4a_3x3'),
  ('inception_v1', 'Mixed_4c'),
  ('inception_v2', 'Conv2d_1a_7x7'),
  ('inception_v2', 'MaxPool_3a_3x3'),
  ('inception_v2', 'Mixed_4b'),
  ('inception_v3', 'Conv2d_4a_3x3'),
  ('inception_v3', 'Mixed_6a'),
  ('inception_v4', 'Mixed_3a'),
  ('inception_v4', 'Mixed_5b'),
  ('inception_resnet_v2', 'MaxPool_5a_3x3'),
  ('inception_resnet_v2', 'Mixed_5b'),
  ('inception_resnet_v2', 'Mixed_6a'),
]


def contract(name):
  return json.loads((CONTRACT / f'{name}.json').read_text())


def build(name, images, **options):
  with slim.arg_scope(getattr(inception, f'{name}_arg_scope')()):
    return getattr(inception, name)(images, 10, **options)


def build_base(name, side, **options):
  """Builds without the arg scope, so without batch norm: half the time."""
  base = getattr(inception, f'{name}_base')
  return base(tf.zeros([2, side, side, 3]), **options)


def shapes(end_points):
  return {name: net.shape.as_list() for name, net in end_points.items()}


def check_prefix(name, final):
  facts = contract(name)
  net, end_points = build_base(
    name, facts['default_image_size'], final_endpoint=final
  )
  assert net is end_points[final]
  assert [*end_points][-1] == final
  assert shapes(end_points).items() <= facts['end_points'].items()
  built = [v.op.name for v in tf.global_variables()]
  built = [variable for variable in built if variable.endswith('weights')]
  known = [v['name'] for v in facts['variables']]
  known = [variable for variable in known if variable.endswith('weights')]
  assert built == known[: len(built)]
  return [*end_points]


@pytest.mark.parametrize('name', NETWORKS)
def test_base_builds_every_end_point_and_no_other(name):
  end_points = check_prefix(name, NETWORKS[name])
  assert {*end_points} == {*contract(name)['end_points']} - ABOVE_BASE
  last = tf.global_variables()[-1].op.name.split('/')
  assert last[1] == NETWORKS[name]
  pools = {
    (op.type, op.name.split('/')[1])
    for op in tf.get_default_graph().get_operations()
    if op.type in ('AvgPool', 'MaxPool')
    and op.get_attr('strides') == [1, 1, 1, 1]
  }
  assert pools == {
    (kind, f'Mixed_{block}')
    for kind, blocks in POOLED[name].items()
    for block in blocks.split()
  }


@pytest.mark.parametrize(('name', 'final'), PREFIXES)
def test_base_stops_at_final_endpoint(name, final):
  check_prefix(name, final)
  if not final.startswith('MaxPool'):
    assert tf.global_variables()[-1].op.name.split('/')[1] == final


@pytest.mark.slow
@pytest.mark.parametrize('name', NETWORKS)
def test_base_stops_at_every_third_end_point(name):
  every = check_prefix(name, NETWORKS[name])
  for final in every[1::3]:
    tf.reset_default_graph()
    end_points = check_prefix(name, final)
    assert end_points == every[: len(end_points)]


@pytest.mark.parametrize('name', NETWORKS)
def test_unknown_final_endpoint_names_the_known_ones(name):
  with pytest.raises(ValueError, match='Mixed_99') as error:
    build_base(name, 299, final_endpoint='Mixed_99')
  known = {*contract(name)['end_points']} - ABOVE_BASE
  listed = str(error.value).split('Known: ')[1].rstrip('.').split(', ')
  assert {*listed} == known
  assert not tf.global_variables()


@pytest.mark.parametrize('name', LEAST_SIDE)
def test_images_that_are_too_small_are_refused(name):
  side = LEAST_SIDE[name]
  with pytest.raises(ValueError, match=f'needs {side} x {side} or more'):
    build_base(name, side - 1)
  assert not tf.global_variables()


@pytest.mark.parametrize(
  'name', ['inception_v1', 'inception_v2', *HEAVY_IS_SLOW]
)
def test_without_classes_features_of_the_smallest_images(name):
  side = LEAST_SIDE.get(name, 32)
  num_classes = None if name != 'inception_v2' else 0
  network = getattr(inception, name)
  net, end_points = network(tf.zeros([2, side, side, 3]), num_classes)
  base = end_points[NETWORKS[name]]
  assert net.shape.as_list() == [2, 1, 1, base.shape.as_list()[3]]
  assert base.shape.as_list()[1:3] == [1, 1]
  pooled = {*end_points} & ABOVE_BASE
  assert len(pooled) == 1
  assert net is end_points[pooled.pop()]
  tops = {v.op.name.split('/')[1] for v in tf.global_variables()}
  assert not tops & {'Logits', 'AuxLogits'}


@pytest.mark.parametrize('name', HEAVY_IS_SLOW)
def test_eval_shares_the_variables_of_training(name):
  train_images = tf.zeros([4, 160, 160, 3])
  logits, end_points = build(name, train_images, is_training=True)
  variables = tf.global_variables()
  updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
  assert logits.shape.as_list() == [4, 10]
  assert end_points['AuxLogits'].shape.as_list() == [4, 10]
  (pool,) = [
    op
    for op in tf.get_default_graph().get_operations()
    if op.type == 'AvgPool' and '/AuxLogits/' in op.name
  ]
  assert pool.inputs[0] is end_points[WITH_AUX[name]]

  eval_images = tf.placeholder(tf.float32, [None, 128, 128, 3])
  logits, end_points = build(
    name, eval_images, is_training=False, reuse=True, create_aux_logits=False
  )
  assert logits.shape.as_list() == [None, 10]
  assert 'AuxLogits' not in end_points
  assert tf.global_variables() == variables
  assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == updates


@pytest.mark.parametrize('name', ['inception_v1', *HEAVY_IS_SLOW])
def test_images_of_unknown_size_give_the_same_numbers(name):
  side = contract(name)['default_image_size']
  values = np.random.RandomState(0).uniform(-1, 1, [1, side, side, 3])
  known, known_points = build(
    name, tf.constant(values, tf.float32), is_training=False
  )
  images = tf.placeholder(tf.float32, [None, None, None, 3])
  unknown, unknown_points = build(name, images, is_training=False, reuse=True)
  assert unknown.shape.as_list() == [None, 10]
  pairs = [(known, unknown)]
  if name in WITH_AUX:
    pairs.append((known_points['AuxLogits'], unknown_points['AuxLogits']))
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for pair in session.run(pairs, {images: values}):
      assert np.ptp(pair[0]) > 0
      np.testing.assert_allclose(*pair, rtol=1e-4, atol=1e-6)

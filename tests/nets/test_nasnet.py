"""NASNet-A and PNASNet-5: what their contracts leave open."""

import pytest
import tensorflow.compat.v1 as tf

from nets.nasnet import nasnet, pnasnet
from tf_slim_compat import slim

# Ways to build a network: function, hyperparameters, arg scope, image size.
NASNET = (
  nasnet.build_nasnet_mobile,
  nasnet.mobile_imagenet_config,
  nasnet.nasnet_mobile_arg_scope,
)
PNASNET = (
  pnasnet.build_pnasnet_mobile,
  pnasnet.mobile_imagenet_config,
  pnasnet.pnasnet_mobile_arg_scope,
)
both = pytest.mark.parametrize(
  'network', [NASNET, PNASNET], ids=['nasnet', 'pnasnet']
)


def build(network, num_classes=5, batch=2, settings=None, **kwargs):
  """Builds a network of three cells; cells 1 and 2 are, or follow, halvings."""
  function, make_config, arg_scope = network
  config = make_config()
  config.num_cells = 3
  config.num_conv_filters = 8
  for name, value in (settings or {}).items():
    config.set_hparam(name, value)
  images = tf.placeholder(tf.float32, [batch, 96, 96, 3])
  with slim.arg_scope(arg_scope()):
    return function(images, num_classes, config=config, **kwargs)


def variable_names():
  return [v.op.name for v in tf.global_variables()]


DROPS = {'drop_path_keep_prob': 0.5}


def drop_paths():
  graph = tf.get_default_graph()
  return [o for o in graph.get_operations() if o.type == 'Floor']


@both
def test_dropping_paths_makes_a_global_step_if_there_is_none(network):
  build(network, settings=DROPS, final_endpoint='Stem')
  assert 'cell_stem_0/comb_iter_0/left/global_step' in variable_names()
  assert drop_paths()


@both
def test_dropping_paths_uses_the_global_step_there_is(network):
  step = tf.train.create_global_step()
  build(network, settings=DROPS, final_endpoint='Stem')
  names = variable_names()
  assert [n for n in names if 'global_step' in n] == [step.op.name]
  assert drop_paths()


def test_dropping_paths_by_a_step_of_the_callers():
  step = tf.constant(3)
  build(NASNET, settings=DROPS, final_endpoint='Stem', current_step=step)
  assert not [n for n in variable_names() if 'global_step' in n]
  assert step.consumers()


@both
def test_evaluation_drops_nothing(network):
  build(network, settings=DROPS, final_endpoint='Stem', is_training=False)
  assert not drop_paths()
  assert not [n for n in variable_names() if 'global_step' in n]


@both
def test_training_and_evaluation_share_variables(network):
  logits, ends = build(network, batch=None)
  assert logits.shape.as_list() == [None, 5]
  assert ends['AuxLogits'].shape.as_list() == [None, 5]
  names = variable_names()
  updates = len(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
  with tf.variable_scope(tf.get_variable_scope(), reuse=True):
    _, ends = build(network, is_training=False)
  assert 'AuxLogits' not in ends
  assert variable_names() == names
  assert updates > 0
  assert len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) == updates


def test_final_endpoint():
  net, ends = build(PNASNET, final_endpoint='Cell_0', is_training=False)
  assert net is ends['Cell_0']
  assert list(ends) == ['Stem', 'Cell_0']
  assert not [n for n in variable_names() if n.startswith('cell_1')]


def test_final_endpoint_below_the_classifier():
  net, ends = build(
    NASNET,
    settings={'num_cells': 0},
    final_endpoint='global_pool',
    is_training=False,
  )
  assert net is ends['global_pool']
  assert net.shape.rank == 2
  assert not [n for n in variable_names() if 'final_layer' in n]


def test_final_endpoint_that_is_none():
  with pytest.raises(ValueError, match='Known: Logits, .* Stem'):
    build(NASNET, settings={'num_cells': 0}, final_endpoint='Cell_0')


@pytest.mark.parametrize('classes', [None, 0])
def test_features_without_a_classifier(classes):
  settings = {'num_cells': 2}
  net, ends = build(PNASNET, num_classes=classes, settings=settings)
  assert net is ends['global_pool']
  assert 'AuxLogits' not in ends
  assert 'Logits' not in ends


def test_aux_head_can_be_left_out():
  settings = {'use_aux_head': 0, 'num_cells': 2}
  _, ends = build(PNASNET, settings=settings)
  assert 'AuxLogits' not in ends
  assert 'Logits' in ends


@both
def test_nchw_is_the_same_network_turned(network):
  settings = {'num_cells': 2}
  _, ends = build(network, settings=settings)
  variables = {v.op.name: v.shape for v in tf.global_variables()}
  tf.reset_default_graph()
  _, turned = build(network, settings={**settings, 'data_format': 'NCHW'})
  assert {v.op.name: v.shape for v in tf.global_variables()} == variables
  assert list(turned) == list(ends)
  assert 'AuxLogits' in ends
  for name, net in ends.items():
    shape = net.shape.as_list()
    if len(shape) == 4:
      shape = [shape[0], shape[3], *shape[1:3]]
    assert turned[name].shape.as_list() == shape


@pytest.mark.parametrize(('skips', 'expected'), [(0, 'Cell_0'), (1, 'Stem')])
def test_skip_reduction_layer_input(skips, expected):
  _, ends = build(
    NASNET,
    settings={'skip_reduction_layer_input': skips},
    is_training=False,
    final_endpoint='Cell_1',
  )
  graph = tf.get_default_graph()
  prev_layer = graph.get_operation_by_name('cell_1/Relu').inputs[0]
  assert prev_layer is ends[expected]


def test_bounded_activation():
  settings = {'use_bounded_activation': True, 'num_cells': 0}
  build(NASNET, settings=settings, is_training=False)
  types = [o.type for o in tf.get_default_graph().get_operations()]
  assert 'Relu' not in types
  assert 'Relu6' in types
  assert 'Minimum' in types  # of the clipped outputs


def test_outputs_are_the_unused_states_in_order():
  _, ends = build(NASNET, is_training=False, final_endpoint='Reduction_Cell_0')
  scope = 'cell_stem_1'
  graph = tf.get_default_graph()
  joined = graph.get_operation_by_name(f'{scope}/cell_output/concat')
  assert [t.op.name for t in joined.inputs[:-1]] == [
    f'{scope}/comb_iter_{i}/combine/add' for i in range(1, 5)
  ]
  joined = graph.get_operation_by_name('cell_0/cell_output/concat')
  assert [t.op.name.split('/')[1] for t in joined.inputs[:-1]] == [
    'final_path_bn',
    *(f'comb_iter_{i}' for i in range(5)),
  ]
  assert ends['Reduction_Cell_0'].shape.as_list() == [2, 6, 6, 64]


def test_config_refuses_unknown_names():
  config = nasnet.cifar_config()
  with pytest.raises(AttributeError):
    config.num_cell = 6
  with pytest.raises(AttributeError):
    config.set_hparam('num_cell', 6)


def test_config_is_left_as_it_is():
  config = nasnet.cifar_config()
  config.num_cells = 3
  config.num_conv_filters = 4
  images = tf.placeholder(tf.float32, [2, 32, 32, 3])
  with slim.arg_scope(nasnet.nasnet_cifar_arg_scope()):
    logits, ends = nasnet.build_nasnet_cifar(
      images, 10, is_training=False, config=config
    )
  assert config.drop_path_keep_prob == 0.6
  assert logits.shape.as_list() == [2, 10]
  assert ends['Cell_2'].shape.as_list() == [2, 8, 8, 96]
  assert 'Cell_3' not in ends


def test_arg_scope():
  scope = nasnet.nasnet_cifar_arg_scope(
    weight_decay=0.5, batch_norm_decay=0.8, batch_norm_epsilon=0.25
  )
  with slim.arg_scope(scope) as args:
    norm = args[slim.batch_norm._key_op]
    net = slim.separable_conv2d(tf.ones([1, 2, 2, 3]), 4, 1)
    slim.fully_connected(slim.flatten(net), 2)
  assert (norm['decay'], norm['epsilon'], norm['scale']) == (0.8, 0.25, True)
  names = variable_names()
  assert 'FC/weights' in names
  assert not [n for n in names if n.startswith('Sep') and 'biases' in n]
  assert len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == 3

import pytest
import tensorflow.compat.v1 as tf

from nets import graph_cost, mobilenet_v1
from slim_support import errors
from tf_slim_compat import slim


def test_convolutions_and_products():
  images = tf.placeholder(tf.float32, [None, 8, 8, 3])
  net = slim.conv2d(images, 10, [3, 3], stride=2)
  net = slim.separable_conv2d(net, None, [5, 5], depth_multiplier=2)
  net = slim.fully_connected(slim.flatten(net), 7)
  convolution = 4 * 4 * 10 * 3 * 3 * 3
  depthwise = 4 * 4 * 20 * 5 * 5
  product = 4 * 4 * 20 * 7
  total = convolution + depthwise + product
  assert graph_cost.multiply_adds() == total
  assert graph_cost.multiply_adds(batch=3) == 3 * total
  assert graph_cost.multiply_adds(outputs=[net]) == total
  weights = 3 * 3 * 3 * 10 + 5 * 5 * 10 * 2 + 320 * 7
  biases = 10 + 20 + 7
  assert graph_cost.parameters() == weights + biases


def test_only_what_the_outputs_need():
  images = tf.zeros([1, 4, 4, 1])
  first = slim.conv2d(images, 1, [1, 1])
  slim.conv2d(first, 5, [1, 1])
  assert graph_cost.multiply_adds(outputs=[first]) == 16
  assert graph_cost.multiply_adds(outputs=[first.op]) == 16
  assert graph_cost.multiply_adds() == 16 + 80


def test_transposed_product():
  tf.matmul(tf.zeros([6, 2]), tf.zeros([6, 5]), transpose_a=True)
  assert graph_cost.multiply_adds() == 2 * 6 * 5


def test_grouped_convolution_counts_the_depth_of_its_group():
  tf.nn.conv2d(tf.zeros([1, 4, 4, 8]), tf.zeros([1, 1, 2, 12]), 1, 'SAME')
  assert graph_cost.multiply_adds() == 4 * 4 * 12 * 2


@pytest.mark.parametrize('batch', [None, 2])
def test_atrous_convolutions_cost_what_their_pixels_do(batch):
  images = tf.placeholder(tf.float32, [batch, 64, 64, 3])
  with slim.arg_scope(mobilenet_v1.mobilenet_v1_arg_scope(False)):
    net, end_points = mobilenet_v1.mobilenet_v1_base(
      images, output_stride=8, final_endpoint='Conv2d_7_depthwise'
    )
  before = end_points['Conv2d_6_pointwise']
  last = graph_cost.multiply_adds(batch=2, outputs=[net])
  before = graph_cost.multiply_adds(batch=2, outputs=[before])
  assert last - before == 2 * 8 * 8 * 512 * 9


def test_an_imported_graph_costs_the_same():
  images = tf.placeholder(tf.float32, [None, 8, 8, 3], 'images')
  slim.fully_connected(slim.flatten(slim.conv2d(images, 10, [3, 3])), 7)
  expected = graph_cost.multiply_adds(), graph_cost.parameters()
  graph_def = tf.get_default_graph().as_graph_def()
  with tf.Graph().as_default() as graph:
    tf.import_graph_def(graph_def)
  actual = graph_cost.multiply_adds(graph), graph_cost.parameters(graph)
  assert actual == expected


def test_unknown_image_size():
  slim.conv2d(tf.placeholder(tf.float32, [1, None, None, 3]), 4, [3, 3])
  with pytest.raises(errors.UserError, match='give the image size'):
    graph_cost.multiply_adds()

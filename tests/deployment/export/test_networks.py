"""Every network: export, freeze_graph, load, run gives what it gave before."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.python.tools import freeze_graph

from deployment.export import inference_graph, model_metadata
from nets import nets_factory
from tests.contract import builds
from tests.deployment import export_helpers

_QUICK = (
  'lenet',
  'cifarnet',
  'mobilenet_v1_025',
  'mobilenet_v3_small',
)
_NETWORKS = [
  pytest.param(name, marks=[] if name in _QUICK else [pytest.mark.slow])
  for name in nets_factory.networks()
]


@pytest.mark.parametrize('name', _NETWORKS)
def test_freeze_graph_gives_the_same(name, tmp_path):
  graph, frozen = tmp_path / 'graph.pb', tmp_path / 'frozen.pb'
  images = export_helpers.images_for(name)
  prefix, expected = export_helpers.checkpoint(name, tmp_path, images=images)
  row = nets_factory.network(name)
  metadata, printed = export_helpers.export(
    model_name=name,
    dataset_name='imagenet' if row.classes > 10 else 'digits',
    labels_offset=row.labels_offset,
    output_file=str(graph),
    checkpoint_path=prefix,
    frozen_file=str(tmp_path / 'folded.pb'),
  )
  output = metadata['output']['name']
  assert f'--output_node_names={output}' in printed
  freeze_graph.freeze_graph(
    str(graph), '', True, prefix, output, 'save/restore_all', 'save/Const:0',
    str(frozen), True, '',
  )  # fmt: skip
  assert expected.max() < 0.99
  assert np.abs(expected[0] - expected[1]).max() > 1e-3
  for path in (frozen, tmp_path / 'folded.pb'):
    scores = export_helpers.scores_of(path, images)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize('name', _QUICK)
def test_nodes_are_those_of_the_contract(name):
  metadata, _ = _describe(name)
  contract = builds.contract(name)
  assert metadata['input']['name'] == 'input'
  assert metadata['logits']['name'] == contract['logits_op']
  assert metadata['output']['name'] == contract['predictions_op']


def test_network_without_predictions_gets_them():
  metadata, graph = _describe('alexnet_v2')
  assert metadata['output']['name'] == 'probabilities'
  assert graph.get_operation_by_name('alexnet_v2/fc8/squeezed')


def _describe(name):
  options = export_helpers.options(model_name=name)
  network = inference_graph.build(options, 10, model_metadata.channels(options))
  return model_metadata.describe(options, network), network.graph


def test_placeholder_is_left_open():
  _, graph = _describe('lenet')
  shape = graph.get_tensor_by_name('input:0').shape
  assert shape.as_list() == [None, 28, 28, 1]
  assert graph.get_tensor_by_name('input:0').dtype == tf.float32

"""The code in CONTRIBUTING.md, all of it together."""

import dataclasses
import importlib.util
import re
import sys
import types

import numpy as np
import PIL.Image
import pytest
import tensorflow.compat.v1 as tf

from datasets import dataset_factory
from datasets.conversion import registry
from deployment.evaluation import config as eval_config
from deployment.evaluation import evaluate
from deployment.export import config as export_config
from deployment.export import export
from deployment.labeling import config as label_config
from deployment.labeling import label
from deployment.training import config as train_config
from deployment.training import optimizers, train
from nets import graph_cost, nets_factory
from preprocessing import preprocessing_factory
from slim_support import flag_fields
from tests import conftest
from tf_slim_compat import slim

_BLOCKS = re.findall(
  r'^<!-- (file|row|cost|field) ?(.*?) ?-->\n```python\n(.*?)^```',
  (conftest.ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8'),
  re.MULTILINE | re.DOTALL,
)


def _load(path, code, folder):
  """Imports a file of the page under the name that it would have."""
  name = path.removesuffix('.py').replace('/', '.')
  file = folder / name
  file.write_text(code, encoding='utf-8')
  loader = importlib.machinery.SourceFileLoader(name, str(file))
  spec = importlib.util.spec_from_loader(name, loader)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return name, module


@pytest.fixture
def contributed(monkeypatch, tmp_path):
  """Puts the files and rows of the page where it says they go."""
  added = {}
  for kind, where, code in _BLOCKS:
    if kind == 'file':
      name, module = _load(where, code, tmp_path)
      added[name.rpartition('.')[2]] = module
      monkeypatch.setitem(sys.modules, name, module)
      package, attribute = name.rsplit('.', 1)
      monkeypatch.setattr(
        sys.modules[package], attribute, module, raising=False
      )
    if kind == 'row':
      name, table = where.split()
      module = importlib.import_module(name)
      names = {**vars(module), **added}
      ((key, value),) = eval(f'{{{code}}}', names).items()
      monkeypatch.setitem(_table(module, table), key, value)
  for module, attributes in _DERIVED.items():
    for attribute, made_of in attributes.items():
      monkeypatch.setattr(module, attribute, made_of())
  return tmp_path


def _table(module, name):
  """Returns the table that the library reads for the one of the page."""
  name = {'_ROWS': 'NETWORK_ROWS'}.get(name, name)
  return getattr(module, name)


# What modules make of their tables when they are imported.
_DERIVED = {
  nets_factory: {
    'networks_map': lambda: nets_factory._networks_map(),
    'arg_scopes_map': lambda: nets_factory._arg_scopes_map(),
  },
  preprocessing_factory: {
    'preprocessing_fn_map': lambda: preprocessing_factory._lazy_modules()
  },
}


def test_every_part_of_the_page_is_there():
  assert [kind for kind, _, _ in _BLOCKS].count('file') == 4
  assert [kind for kind, _, _ in _BLOCKS].count('row') == 5


def test_network(contributed):
  network_fn = nets_factory.get_network_fn('tinynet', 10)
  images = tf.placeholder(tf.float32, [None, 28, 28, 1])
  logits, end_points = network_fn(images)
  assert end_points['Predictions'].shape.as_list() == [None, 10]
  ((_, _, code),) = [block for block in _BLOCKS if block[0] == 'cost']
  counted = {'logits': logits}
  exec(code, counted)
  row = nets_factory.network('tinynet')
  assert counted['parameters'] == row.parameters == graph_cost.parameters()
  assert counted['multiply_adds'] == row.multiply_adds
  tf.reset_default_graph()
  images = tf.placeholder(tf.float32, [None, 28, 28, 1])
  features, _ = nets_factory.get_network_fn('tinynet', None)(images)
  assert features.shape.as_list() == [None, 32]


def test_preprocessing(contributed):
  pixels = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
  train = preprocessing_factory.get_preprocessing('bright', is_training=True)
  test = preprocessing_factory.get_preprocessing('bright', is_training=False)
  images = [train(tf.constant(pixels), 2, 2) for _ in range(12)]
  with tf.Session() as session:
    found = session.run(images)
    plain = session.run(test(tf.constant(pixels), 2, 2))
  np.testing.assert_allclose(plain, pixels / 255)
  kinds = {tuple(np.rint(image.ravel() * 255)) for image in found}
  assert kinds == {(0, 1, 2, 3), (1, 0, 3, 2)}


def test_optimizer(contributed):
  values = dataclasses.asdict(train_config.TrainConfig())
  options = types.SimpleNamespace(**{**values, 'optimizer': 'nesterov'})
  variable = tf.get_variable('v', initializer=1.0)
  step = optimizers.optimizer(options, 0.1).minimize(variable**2)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(step)
    found = session.run(variable)
  assert found == pytest.approx(1 - 0.1 * (2 + 0.9 * 2))


def test_flag():
  ((_, _, code),) = [block for block in _BLOCKS if block[0] == 'field']
  body = {'__annotations__': {}, 'float_': flag_fields.float_}
  exec(code, body)
  cls = dataclasses.dataclass(frozen=True)(
    type('Noisy', (flag_fields.Config,), body)
  )
  assert cls(label_noise=0.5).label_noise == 0.5
  with pytest.raises(ValueError, match='at most 1'):
    cls(label_noise=2.0)


def test_network_and_preprocessing_go_through_all_scripts(contributed, capsys):
  data, train_dir = str(contributed / 'data'), str(contributed / 'model')
  importlib.import_module(registry._MODULES['bars']).run(data)
  dataset = dataset_factory.get_dataset('bars', 'train', data)
  assert dataset.labels_to_names == {0: 'lies', 1: 'stands'}
  provider = slim.dataset_data_provider.DatasetDataProvider(dataset)
  assert provider.get(['image'])[0].shape.as_list() == [28, 28, 1]
  common = {
    'dataset_name': 'bars',
    'dataset_dir': data,
    'model_name': 'tinynet',
  }
  train.train(
    train_config.TrainConfig(
      **common,
      train_dir=train_dir,
      batch_size=16,
      learning_rate=0.1,
      batch_norm_decay=0.5,
      max_number_of_steps=20,
    )
  )
  shapes = dict(tf.train.list_variables(train_dir))
  assert shapes['TinyNet/logits/weights'] == [32, 2]
  result = evaluate.evaluate(
    eval_config.EvalConfig(
      **common, checkpoint_path=train_dir, eval_dir=str(contributed / 'eval')
    )
  )
  assert result['Accuracy'] > 0.9
  frozen = str(contributed / 'tinynet.pb')
  metadata = export.export(
    export_config.ExportConfig(
      **common, checkpoint_path=train_dir, frozen_file=frozen, verify=True
    )
  )
  assert metadata['values'] == 'in [0, 1]'
  assert metadata['labels'] == ['lies', 'stands']
  picture = contributed / 'lying.png'
  pixels = np.full([28, 28], 40, np.uint8)
  pixels[10:14] = 255
  PIL.Image.fromarray(pixels).save(picture)
  capsys.readouterr()
  label.label(label_config.LabelConfig(image=str(picture), graph=frozen))
  assert 'lies' in capsys.readouterr().out.splitlines()[0]

"""Data sets that a program adds to `datasets_map`, from names to labelling."""

import contextlib
import json
import types

import pytest
import tensorflow.compat.v1 as tf

from datasets import (
  cifar10,
  dataset_factory,
  dataset_utils,
  flowers,
  imagenet,
  mnist,
  reading,
  split_summary,
)
from deployment.command_line import listings
from deployment.evaluation import evaluate
from deployment.evaluation.config import EvalConfig
from deployment.export import export
from deployment.export.config import ExportConfig
from deployment.labeling import label
from deployment.labeling.config import LabelConfig
from deployment.training import train
from deployment.training.config import TrainConfig
from slim_support.errors import UserError
from tests.datasets import made, old_flowers

NAMES = {0: 'daisy', 1: 'roses', 2: 'tulips'}


class Minimal:
  """An object with nothing but get_split, and names of its own."""

  def get_split(self, split, folder, pattern=None, record_reader=None):
    """Returns a split."""
    return old_flowers.get_split(split, folder, pattern, record_reader)


ENTRIES = {'module': old_flowers, 'object': Minimal()}


@pytest.fixture(params=ENTRIES)
def entry(request, monkeypatch):
  """The name of a data set that was added."""
  monkeypatch.setitem(
    dataset_factory.datasets_map, 'mine', ENTRIES[request.param]
  )
  return 'mine'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Records as the original library wrote them, with its file names."""
  path = tmp_path_factory.mktemp('old flowers')
  for split, count in old_flowers.SPLITS_TO_SIZES.items():
    for shard in range(2):
      name = f'flowers_{split}_{shard:05}-of-00002.tfrecord'
      with tf.python_io.TFRecordWriter(str(path / name)) as writer:
        for index in range(shard, count, 2):
          data = made.encode(made.picture(index))
          example = dataset_utils.image_to_tfexample(
            data, b'jpg', 20, 30, index % 3
          )
          writer.write(example.SerializeToString())
  dataset_utils.write_label_file(NAMES, str(path))
  return str(path)


def test_it_has_all_that_the_built_in_ones_have(entry, folder):
  assert entry in dataset_factory.dataset_names()
  assert entry in listings.data_sets()
  dataset_factory.check_dataset(entry, 'train', folder)
  dataset = dataset_factory.get_dataset(entry, 'train', folder)
  assert (dataset.name, dataset.split_name) == (entry, 'train')
  assert dataset.num_samples == 12
  assert dataset_factory.get_num_classes(entry, folder) == 3
  assert dataset_factory.get_class_names(entry, folder) == NAMES
  assert [r.label for r in reading.records(dataset)] == [
    *(0, 2, 1, 0, 2, 1), *(1, 0, 2, 1, 0, 2)
  ]  # fmt: skip
  summary = split_summary.summarize(dataset, 3)
  assert 'mine, train: 12 images in 2 files' in split_summary.describe(
    summary, dataset
  )


def test_configurations_take_its_name(entry):
  for config in (TrainConfig, EvalConfig, ExportConfig):
    assert config(dataset_name=entry).dataset_name == entry
  with pytest.raises(UserError, match='Did you mean mine'):
    TrainConfig(dataset_name='mini')


def test_mistakes_are_one_sentence(entry, folder, tmp_path):
  with pytest.raises(UserError, match='split name test was not recognized'):
    dataset_factory.get_dataset(entry, 'test', folder)
  with pytest.raises(UserError, match="no files of the split 'train'"):
    dataset_factory.get_dataset(entry, 'train', str(tmp_path))
  with pytest.raises(UserError, match='classes of the data set'):
    dataset_factory.get_num_classes(entry, str(tmp_path))
  (tmp_path / 'flowers_train_0.tfrecord').mkdir()
  with pytest.raises(UserError, match='it is a folder'):
    dataset_factory.get_dataset(entry, 'train', str(tmp_path))


def test_classes_without_files(monkeypatch):
  monkeypatch.setitem(dataset_factory.datasets_map, 'mine', old_flowers)
  assert dataset_factory.get_num_classes('mine') == 3
  assert dataset_factory.get_spec('mine').splits == {
    'train': 12,
    'validation': 6,
  }
  monkeypatch.setitem(dataset_factory.datasets_map, 'mine', Minimal())
  with pytest.raises(UserError, match='number of classes of mine'):
    dataset_factory.get_num_classes('mine')
  assert dataset_factory.get_class_names('mine') is None


def test_keys_come_from_the_decoder(tmp_path):
  """Records whose features have other names."""
  slim_decoder = old_flowers.slim.tfexample_decoder
  path = str(tmp_path / 'a.tfrecord')
  example = tf.train.Example()
  example.features.feature['jpeg'].bytes_list.value.append(b'bytes')
  example.features.feature['class'].int64_list.value.append(7)
  with tf.python_io.TFRecordWriter(path) as writer:
    writer.write(example.SerializeToString())
  decoder = slim_decoder.TFExampleDecoder(
    {},
    {
      'image': slim_decoder.Image('jpeg', 'kind'),
      'label': slim_decoder.Tensor('class'),
    },
  )
  dataset = types.SimpleNamespace(data_sources=path, decoder=decoder)
  assert list(reading.records(dataset)) == [reading.Record(b'bytes', '', 7)]


def test_it_is_trained_evaluated_exported_and_labelled(
  entry, folder, tmp_path, capsys
):
  train_dir = str(tmp_path / 'train')
  common = {'dataset_name': entry, 'dataset_dir': folder}
  train.train(
    TrainConfig(
      **common, model_name='lenet', train_dir=train_dir, batch_size=4,
      max_number_of_steps=2,
    )
  )  # fmt: skip
  metrics = evaluate.evaluate(
    EvalConfig(
      **common, dataset_split_name='validation', model_name='lenet',
      checkpoint_path=train_dir, eval_dir=str(tmp_path / 'eval'), batch_size=4,
    )
  )  # fmt: skip
  assert 0 <= metrics['Accuracy'] <= 1
  frozen = tmp_path / 'frozen.pb'
  export.export(
    ExportConfig(
      **common, model_name='lenet', checkpoint_path=train_dir,
      frozen_file=str(frozen), verify=True, verify_images=2,
    )
  )  # fmt: skip
  metadata = json.loads((tmp_path / 'frozen.pb.json').read_text())
  assert metadata['num_classes'] == 3
  assert metadata['labels'] == [*NAMES.values()]
  image = tmp_path / 'photo.jpg'
  image.write_bytes(made.encode(made.picture(1)))
  checkpoint = {**common, 'checkpoint_path': train_dir, 'model_name': 'lenet'}
  for given in ({'graph': str(frozen)}, checkpoint):
    capsys.readouterr()
    label.label(LabelConfig(image=str(image), **given))
    said = capsys.readouterr().out
    assert all(name in said for name in NAMES.values())


@pytest.mark.parametrize(
  'name',
  ['flowers_train-00000-of-00005.tfrecord',
   'flowers_train_00000-of-00005.tfrecord'],
)  # fmt: skip
def test_both_names_of_flowers_are_read(tmp_path, name):
  data = made.encode(made.picture(0))
  example = dataset_utils.image_to_tfexample(data, b'jpg', 20, 30, 4)
  with tf.python_io.TFRecordWriter(str(tmp_path / name)) as writer:
    writer.write(example.SerializeToString())
  dataset = dataset_factory.get_dataset('flowers', 'train', str(tmp_path))
  assert [record.label for record in reading.records(dataset)] == [4]


def test_sizes_of_splits_are_where_they_were(monkeypatch):
  assert flowers.SPLITS_TO_SIZES == {'train': 3320, 'validation': 350}
  assert cifar10.SPLITS_TO_SIZES == {'train': 50000, 'test': 10000}
  assert mnist.SPLITS_TO_SIZES == {'train': 60000, 'test': 10000}
  assert imagenet._SPLITS_TO_SIZES == {'train': 1281167, 'validation': 50000}
  assert imagenet.SPLITS_TO_SIZES is imagenet._SPLITS_TO_SIZES
  monkeypatch.setitem(flowers.SPLITS_TO_SIZES, 'mine', 7)
  assert 'mine' in dataset_factory.get_spec('flowers').splits


def test_map_holds_the_modules():
  assert dataset_factory.datasets_map['flowers'] is flowers
  with contextlib.suppress(UserError):
    dataset_factory.datasets_map['flowers'].get_split('train', '/nowhere')

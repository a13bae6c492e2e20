"""The engine, on a small source of its own."""

import json
import os

import pytest

from datasets import converted
from datasets.conversion import engine
from slim_support.errors import UserError
from tests.datasets import made
from tests.datasets.small import make_sample, make_source


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
  folder = tmp_path_factory.mktemp('undisturbed')
  engine.convert(make_source(), str(folder))
  return made.folder_bytes(folder)


def test_metadata_say_what_was_written(undisturbed):
  metadata = json.loads(undisturbed['dataset.json'])
  train = metadata['splits']['train']
  assert train['num_samples'] == 40
  assert train['samples_per_class'] == {'0': 14, '1': 13, '2': 13}
  assert {s['file']: s['bytes'] for s in train['shards']} == {
    name: len(data)
    for name, data in undisturbed.items()
    if name.startswith('train')
  }
  assert metadata['num_classes'] == 3
  assert undisturbed['labels.txt'] == b'0:a\n1:b\n2:c\n'
  assert len(undisturbed) == 2 * 4 + 2


def test_second_run_finds_it_done(tmp_path, capsys):
  engine.convert(make_source(), str(tmp_path))
  before = made.folder_bytes(tmp_path)

  def fail(index):
    raise AssertionError(index)

  engine.convert(make_source(read=fail), str(tmp_path))
  assert 'already holds small: 50 samples' in capsys.readouterr().out
  assert made.folder_bytes(tmp_path) == before


@pytest.mark.parametrize('missing', ['labels.txt', 'dataset.json', 'train-2-4'])
def test_incomplete_conversion_is_done_again(tmp_path, undisturbed, missing):
  engine.convert(make_source(), str(tmp_path))
  os.remove(tmp_path / missing)
  engine.convert(make_source(), str(tmp_path))
  assert made.folder_bytes(tmp_path) == undisturbed


def test_shard_of_wrong_length_is_done_again(tmp_path, undisturbed):
  engine.convert(make_source(), str(tmp_path))
  os.truncate(tmp_path / 'train-1-4', 100)
  engine.convert(make_source(), str(tmp_path))
  assert made.folder_bytes(tmp_path) == undisturbed


def test_other_settings_replace_the_files(tmp_path):
  engine.convert(make_source(), str(tmp_path))
  other = make_source(settings={'shrink': True})
  engine.convert(other, str(tmp_path))
  metadata = converted.read_metadata(str(tmp_path))
  assert metadata['made_from']['settings'] == {'shrink': True}


def test_another_data_set_is_not_overwritten(tmp_path, undisturbed):
  engine.convert(make_source(), str(tmp_path))
  with pytest.raises(UserError, match="holds the data set 'small'"):
    engine.convert(make_source('other'), str(tmp_path))
  assert made.folder_bytes(tmp_path) == undisturbed


def test_folder_that_cannot_be_written_to(tmp_path):
  (tmp_path / 'file').write_bytes(b'')
  with pytest.raises(UserError, match='--dataset_dir=.*cannot write there'):
    engine.convert(make_source(), str(tmp_path / 'file'))


def reject_some(index):
  if index in (3, 7):
    return engine.RejectedImage(f'{index}.jpg', 'the file is empty')
  return make_sample(index)


def test_bad_images_stop_the_conversion_at_its_end(tmp_path):
  with pytest.raises(UserError) as error:
    engine.convert(make_source(read=reject_some), str(tmp_path))
  assert '4 bad images' in str(error.value)
  assert '3.jpg: the file is empty' in str(error.value)
  assert '--skip_bad_images' in str(error.value)
  assert made.folder_bytes(tmp_path) == {}


def test_bad_images_are_left_out_and_listed(tmp_path):
  options = engine.Options(skip_bad_images=True)
  engine.convert(make_source(read=reject_some), str(tmp_path), options)
  metadata = converted.read_metadata(str(tmp_path))
  counts = [split['num_samples'] for split in metadata['splits'].values()]
  assert sorted(counts) == [8, 38]
  lines = (tmp_path / 'bad_images.txt').read_text().splitlines()
  assert lines == 2 * ['3.jpg\tthe file is empty', '7.jpg\tthe file is empty']


def test_nothing_but_bad_images(tmp_path):
  source = make_source(read=lambda index: engine.RejectedImage('a', 'bad'))
  options = engine.Options(skip_bad_images=True)
  with pytest.raises(UserError, match='no usable images'):
    engine.convert(source, str(tmp_path), options)
  assert made.folder_bytes(tmp_path) == {}

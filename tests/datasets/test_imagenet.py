"""A small ILSVRC2012, in the true structure, through the imagenet script."""

import collections
import os
import subprocess

import numpy as np
import pytest

from datasets import (
  dataset_factory,
  download_and_convert_imagenet,
  imagenet,
  imagenet_boxes,
)
from datasets.conversion import engine
from slim_support.errors import UserError
from tests.conftest import ROOT
from tests.datasets import made

SYNSETS = list(imagenet.synsets())[100:120]
PER_SYNSET, NUM_VALIDATION = 45, 100
SIZE = (20, 30)


def annotation(*boxes, size=SIZE, prefix=''):
  objects = ''.join(
    '<object><name>x</name><bndbox>'
    f'<xmin>{xmin}</xmin><ymin>{ymin}</ymin>'
    f'<xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>'
    for xmin, ymin, xmax, ymax in boxes
  )
  text = (
    f'{prefix}<annotation><size><width>{size[1]}</width>'
    f'<height>{size[0]}</height></size>{objects}</annotation>'
  )
  return text.encode()


def train_picture(number, index):
  kind = {(3, 3): ('PNG', None), (4, 4): ('JPEG', 'CMYK')}
  return made.encode(
    made.picture(1000 * number + index), *kind.get((number, index), ('JPEG',))
  )


def write_tars(folder, synsets=SYNSETS, per_synset=PER_SYNSET):
  inner = {}
  for number, synset in enumerate(synsets):
    images = {
      f'{synset}_{index}.JPEG': train_picture(number, index)
      for index in range(per_synset)
    }
    inner[f'{synset}.tar'] = made.tar_bytes(images, 'w')
  train = made.tar_bytes(inner, 'w')
  validation = {
    f'ILSVRC2012_val_{number:08}.JPEG': made.encode(
      made.picture(10**6 + number)
    )
    for number in range(1, NUM_VALIDATION + 1)
  }
  folder.mkdir(exist_ok=True)
  (folder / 'ILSVRC2012_img_train.tar').write_bytes(train)
  (folder / 'ILSVRC2012_img_val.tar').write_bytes(
    made.tar_bytes(validation, 'w')
  )


def write_boxes(folder):
  for synset in SYNSETS[:10]:
    target = folder / 'bounding_boxes' / synset
    target.mkdir(parents=True)
    for index in range(5):
      (target / f'{synset}_{index}.xml').write_bytes(
        annotation((3, 2, 15, 20), (20, 2, 10, 4))
      )


def small_source(folder, **options):
  options = engine.Options(num_workers=1, **options)
  source = download_and_convert_imagenet.make_source(
    str(folder), options, num_shards={'validation': 2, 'train': 6}
  )
  return source, options


@pytest.fixture(scope='module')
def converted(tmp_path_factory):
  """A folder with the tars, the boxes and the shards."""
  folder = tmp_path_factory.mktemp('imagenet') / 'data'
  write_tars(folder)
  write_boxes(folder)
  source, options = small_source(folder)
  engine.convert(source, str(folder), options)
  return folder


@pytest.mark.slow
def test_script_writes_all_shards_and_closes_with_the_true_counts(tmp_path):
  write_tars(tmp_path)
  write_boxes(tmp_path)
  script = ROOT / 'datasets/download_and_preprocess_imagenet.sh'
  done = subprocess.run(
    ['bash', script, tmp_path],
    capture_output=True,
    text=True,
    check=False,
    env={**os.environ, 'PYTHON': os.sys.executable},
  )
  assert done.returncode == 0, done.stderr
  assert done.stdout.splitlines()[-2:] == [
    'Finished writing all 100 images in data set.',
    'Finished writing all 900 images in data set.',
  ]
  files = os.listdir(tmp_path)
  names = collections.Counter(name.split('-')[0] for name in files)
  assert names['train'] == 1024
  assert names['validation'] == 128
  assert {'train-01023-of-01024', 'validation-00000-of-00128'} < set(files)
  assert '.conversion' not in files
  assert 'ILSVRC2012_img_train.tar' in files
  dataset = dataset_factory.get_dataset('imagenet', 'train', str(tmp_path))
  assert len(made.read_split(dataset)) == 900


def test_images_labels_text_and_boxes_come_back(converted):
  dataset = dataset_factory.get_dataset('imagenet', 'train', str(converted))
  items = ('image', 'label', 'label_text', 'object/bbox', 'object/label')
  samples = made.read_split(dataset, items)
  assert dataset.num_samples == len(samples) == 900
  assert dataset.num_classes == 1001
  counts, with_boxes = collections.Counter(), 0
  for image, label, text, boxes, box_labels in samples:
    assert image.shape == (*SIZE, 3)
    assert dataset.labels_to_names[label] == text.decode()
    counts[label] += 1
    if len(boxes):
      np.testing.assert_allclose(boxes, [[0.1, 0.1, 1.0, 0.5]])
      assert list(box_labels) == [label]
      with_boxes += 1
  assert counts == dict.fromkeys(range(101, 121), 45)
  assert with_boxes == 50


def test_each_image_has_the_label_of_its_synset(converted):
  import tensorflow.compat.v1 as tf

  dataset = dataset_factory.get_dataset('imagenet', 'train', str(converted))
  images = {}
  for path in dataset.data_sources:
    for record in tf.python_io.tf_record_iterator(path):
      feature = tf.train.Example.FromString(record).features.feature
      values = {
        key: feature[f'image/{key}'].bytes_list.value[0]
        for key in (
          'filename',
          'class/synset',
          'encoded',
          'format',
          'colorspace',
        )
      }
      images[values['filename'].decode()] = values
  assert len(images) == 900
  for number, synset in enumerate(SYNSETS):
    for index in range(PER_SYNSET):
      values = images[f'{synset}_{index}.JPEG']
      assert values['class/synset'].decode() == synset
      assert values['format'] == b'jpeg'
      assert values['encoded'].startswith(b'\xff\xd8')
      if (number, index) not in ((3, 3), (4, 4)):
        assert values['encoded'] == train_picture(number, index)


def test_validation_labels_follow_the_list(converted):
  dataset = dataset_factory.get_dataset(
    'imagenet', 'validation', str(converted)
  )
  labels = [label for _, label in made.read_split(dataset)]
  synsets = list(imagenet.synsets())
  expected = [
    synsets.index(synset) + 1
    for synset in imagenet.validation_synsets()[:NUM_VALIDATION]
  ]
  assert sorted(labels) == sorted(expected)


def test_finished_shards_are_kept(tmp_path, monkeypatch):
  write_tars(tmp_path / 'a', SYNSETS[:3], 4)
  source, options = small_source(tmp_path / 'a')
  from datasets.conversion import encoding

  encode, count = encoding.encode_sample, 0

  def stop_late(sample):
    nonlocal count
    count += 1
    if count > NUM_VALIDATION + 7:
      raise KeyboardInterrupt
    return encode(sample)

  monkeypatch.setattr(encoding, 'encode_sample', stop_late)
  with pytest.raises(KeyboardInterrupt):
    engine.convert(source, str(tmp_path / 'a'), options)
  monkeypatch.undo()
  kept = made.folder_bytes(tmp_path / 'a/.conversion')
  assert len(kept) == 1 + 2 + 3
  before = {
    name: os.stat(tmp_path / 'a/.conversion' / name).st_ino for name in kept
  }
  engine.convert(source, str(tmp_path / 'a'), options)
  for name in ('train-00002-of-00006', 'validation-00001-of-00002'):
    assert os.stat(tmp_path / 'a' / name).st_ino == before[name]
  write_tars(tmp_path / 'b', SYNSETS[:3], 4)
  source, options = small_source(tmp_path / 'b')
  engine.convert(source, str(tmp_path / 'b'), options)
  assert made.folder_bytes(tmp_path / 'a') == made.folder_bytes(tmp_path / 'b')


def test_unknown_synset_is_named(tmp_path):
  write_tars(tmp_path, ['n00000001'], 1)
  source, options = small_source(tmp_path)
  with pytest.raises(UserError, match=r'n00000001\.tar is not one of the 1000'):
    engine.convert(source, str(tmp_path), options)


def test_cut_tar_is_named(tmp_path):
  write_tars(tmp_path, SYNSETS[:2], 3)
  path = tmp_path / 'ILSVRC2012_img_train.tar'
  path.write_bytes(path.read_bytes()[:12_000])
  source, options = small_source(tmp_path)
  with pytest.raises(UserError, match='train.tar is damaged'):
    engine.convert(source, str(tmp_path), options)


def test_missing_tars_and_no_account(tmp_path, monkeypatch):
  monkeypatch.delenv('IMAGENET_USERNAME', raising=False)
  source, options = small_source(tmp_path)
  with pytest.raises(UserError, match='lacks ILSVRC2012_img_train.tar and'):
    engine.convert(source, str(tmp_path), options)


def test_account_comes_from_the_environment(monkeypatch, tmp_path):
  monkeypatch.setenv('IMAGENET_USERNAME', 'me')
  monkeypatch.setenv('IMAGENET_ACCESS_KEY', 'secret')
  monkeypatch.setenv('IMAGENET_URL', 'http://127.0.0.1:1/x/')
  wanted = download_and_convert_imagenet.missing_downloads(str(tmp_path))
  assert wanted[1].urls == ('http://127.0.0.1:1/x/ILSVRC2012_img_val.tar',)
  assert wanted[0].size == 147897477120
  assert wanted[0].authorization == 'Basic bWU6c2VjcmV0'
  assert 'secret' not in repr(wanted)


def test_script_asks_for_the_account(server, tmp_path):
  script = ROOT / 'datasets/download_and_preprocess_imagenet.sh'
  done = subprocess.run(
    ['bash', script, tmp_path],
    input='me\nsecret\n',
    capture_output=True,
    text=True,
    check=False,
    env={
      **os.environ,
      'PYTHON': os.sys.executable,
      'IMAGENET_URL': server.url('x'),
    },
  )
  assert done.returncode == 1
  assert 'Could not download ILSVRC2012_img_train.tar' in done.stderr
  assert 'secret' not in done.stdout + done.stderr
  assert server.accounts == {'Basic bWU6c2VjcmV0'}


_BOMB = (
  '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
)


def test_boxes_that_make_no_sense_are_dropped_and_counted(tmp_path):
  files = {
    'good_1.xml': annotation((-5, 0, 15, 40)),
    'turned_1.xml': annotation((15, 0, 5, 10)),
    'outside_1.xml': annotation((40, 0, 50, 10)),
    'words_1.xml': annotation(('a', 0, 5, 10)),
    'bomb_1.xml': annotation((0, 0, 5, 5), prefix=_BOMB),
    'empty_1.xml': b'',
    'cut_1.xml': annotation((0, 0, 5, 5))[:-20],
    'sizeless_1.xml': annotation((0, 0, 5, 5), size=(0, 0)),
    'huge_1.xml': annotation((0, 0, 5, 5)) + b' ' * (1 << 20),
  }
  (tmp_path / 'n1').mkdir()
  for name, data in files.items():
    (tmp_path / 'n1' / name).write_bytes(data)
  boxes = imagenet_boxes.read_boxes(str(tmp_path))
  assert boxes.by_image == {'good_1': [imagenet_boxes.Box(0.0, 0.0, 0.5, 1.0)]}
  assert (boxes.num_dropped, boxes.num_damaged) == (3, 5)
  path = tmp_path / 'boxes.tar.gz'
  path.write_bytes(made.tar_bytes({f'n1/{k}': v for k, v in files.items()}))
  assert imagenet_boxes.read_boxes(str(path)) == boxes


def test_names_ship_with_the_package(monkeypatch):
  names = imagenet.create_readable_names_for_imagenet_labels()
  assert len(names) == 1001
  assert names[0] == 'background'
  assert names[1] == 'tench, Tinca tinca'
  assert names[1000].startswith('toilet tissue')
  counts = collections.Counter(imagenet.validation_synsets())
  assert set(counts) == set(imagenet.synsets())
  assert set(counts.values()) == {50}
  monkeypatch.setattr(imagenet, 'LOAD_READABLE_NAMES', False)
  assert dataset_factory.get_class_names('imagenet') is None

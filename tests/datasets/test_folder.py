"""Folders of own images."""

import os
import pathlib

import pytest

from datasets import converted, dataset_factory, download_and_convert_folder
from datasets.conversion import engine
from datasets.images import folders
from slim_support.errors import UserError
from tests.datasets import made


def fill(folder, classes=('cat', 'dog'), count=12):
  for number, name in enumerate(classes):
    target = pathlib.Path(folder) / name
    target.mkdir(parents=True, exist_ok=True)
    for index in range(count):
      data = made.encode(made.picture(100 * number + index))
      (target / f'{index}.jpg').write_bytes(data)
  return str(folder)


def convert(images, output, **options):
  options = engine.Options(image_dir=str(images), num_workers=1, **options)
  download_and_convert_folder.run(str(output), options)
  return str(output)


def filenames(dataset_dir, split):
  """Returns file name -> label of the images of a split."""
  import tensorflow.compat.v1 as tf

  names = {}
  dataset = dataset_factory.get_dataset('folder', split, dataset_dir)
  for path in dataset.data_sources:
    for record in tf.python_io.tf_record_iterator(path):
      feature = tf.train.Example.FromString(record).features.feature
      name = feature['image/filename'].bytes_list.value[0].decode()
      names[name] = feature['image/class/label'].int64_list.value[0]
  return names


def test_images_come_back_with_their_classes(tmp_path):
  images = fill(tmp_path / 'in', ('dog', 'cat', 'blå himmel'))
  nested = tmp_path / 'in/dog/more/deep'
  nested.mkdir(parents=True)
  (nested / 'é\n.PNG').write_bytes(made.encode(made.picture(9), 'PNG'))
  output = convert(images, tmp_path / 'out', num_shards=3)
  dataset = dataset_factory.get_dataset('folder', 'train', output)
  assert dataset.labels_to_names == {0: 'blå himmel', 1: 'cat', 2: 'dog'}
  assert dataset.num_classes == 3
  assert len(dataset.data_sources) == 3
  found = {**filenames(output, 'train'), **filenames(output, 'validation')}
  assert len(found) == 37
  for name, label in found.items():
    assert dataset.labels_to_names[label] == name.split('/')[0]
  assert found['dog/more/deep/é\n.PNG'] == 2


def test_same_bytes_whatever_the_order_on_disk(tmp_path, monkeypatch):
  images = fill(tmp_path / 'in')
  first = convert(images, tmp_path / 'a')
  scandir = os.scandir
  monkeypatch.setattr(os, 'scandir', lambda path: reversed(list(scandir(path))))
  found = folders.find(images)
  monkeypatch.undo()
  monkeypatch.setattr(folders, 'find', lambda unused: found)
  second = convert(images, tmp_path / 'b')
  assert made.folder_bytes(first) == made.folder_bytes(second)


def test_several_processes_write_the_same_bytes(tmp_path):
  images = fill(tmp_path / 'in', count=160)
  first = convert(images, tmp_path / 'a', num_shards=2)
  options = engine.Options(image_dir=images, num_workers=2, num_shards=2)
  download_and_convert_folder.run(str(tmp_path / 'b'), options)
  assert made.folder_bytes(first) == made.folder_bytes(tmp_path / 'b')


def test_images_keep_their_split_when_others_are_added(tmp_path):
  images = fill(tmp_path / 'in', count=20)
  output = convert(images, tmp_path / 'out')
  before = {s: set(filenames(output, s)) for s in ('train', 'validation')}
  fill(tmp_path / 'in', ('ant', 'cat', 'dog'), count=60)
  convert(images, output)
  after = {s: set(filenames(output, s)) for s in ('train', 'validation')}
  assert len(after['train'] | after['validation']) == 180
  assert before['train'] <= after['train']
  assert before['validation'] <= after['validation']


def test_second_run_sees_whether_the_images_changed(tmp_path, capsys):
  images = fill(tmp_path / 'in')
  output = convert(images, tmp_path / 'out')
  convert(images, output)
  assert 'already holds folder: 24 samples' in capsys.readouterr().out
  fill(images, ('emu',))
  convert(images, output)
  assert converted.read_metadata(output)['num_classes'] == 3
  before = made.folder_bytes(output)
  changed = pathlib.Path(images, 'emu/3.jpg')
  changed.write_bytes(changed.read_bytes()[::-1][::-1])
  later = os.path.getmtime(os.path.join(output, 'dataset.json')) + 5
  os.utime(changed, (later, later))
  convert(images, output)
  assert 'has changed' in capsys.readouterr().out
  assert made.folder_bytes(output) == before


def test_fewer_shards_leave_no_old_ones(tmp_path):
  images = fill(tmp_path / 'in')
  output = convert(images, tmp_path / 'out', num_shards=4)
  convert(images, output, num_shards=2)
  assert len([n for n in os.listdir(output) if 'train' in n]) == 2


BROKEN = {
  'empty.jpg': b'',
  'text.jpg': b'this is not an image',
  'page.png': b'<!DOCTYPE html><html></html>',
  'cut.jpg': made.encode(made.picture(1))[:-200],
  'cut.png': made.encode(made.picture(1), 'PNG')[:-20],
  'header.jpg': made.encode(made.picture(1))[:30],
  'cut.gif': made.encode(made.picture(1), 'GIF')[:100],
}


def break_some(folder):
  for name, data in BROKEN.items():
    pathlib.Path(folder, 'cat', name).write_bytes(data)
  pathlib.Path(folder, 'dog/dead_link.jpg').symlink_to('nowhere')


def test_broken_images_are_listed_and_nothing_is_written(tmp_path):
  images = fill(tmp_path / 'in')
  break_some(images)
  with pytest.raises(UserError) as error:
    convert(images, tmp_path / 'out')
  assert f'{len(BROKEN) + 1} bad images' in str(error.value)
  for name in (*[f'cat/{name}' for name in BROKEN], 'dog/dead_link.jpg'):
    assert f'{name}: ' in str(error.value)
  assert made.folder_bytes(tmp_path / 'out') == {}


def test_broken_images_are_left_out_on_request(tmp_path):
  images = fill(tmp_path / 'in')
  whole = convert(images, tmp_path / 'whole')
  break_some(images)
  output = convert(images, tmp_path / 'out', skip_bad_images=True)
  for split in ('train', 'validation'):
    assert filenames(output, split) == filenames(whole, split)
  listed = (tmp_path / 'out/bad_images.txt').read_text().splitlines()
  assert len(listed) == len(BROKEN) + 1
  assert 'dog/dead_link.jpg\tit cannot be read: No such file' in '\n'.join(
    listed
  )


def test_odd_images_come_back_as_rgb(tmp_path):
  images = fill(tmp_path / 'in')
  target = tmp_path / 'in/cat'
  for name, data in {
    'gray.jpg': made.encode(made.picture(1), mode='L'),
    'cmyk.jpg': made.encode(made.picture(2), mode='CMYK'),
    'png.jpg': made.encode(made.picture(3), 'PNG'),
    'palette.png': made.encode(made.picture(4), 'PNG', 'P'),
    'rgba.png': made.encode(made.picture(5), 'PNG', 'RGBA'),
    'x.gif': made.encode(made.picture(6), 'GIF'),
    'x.webp': made.encode(made.picture(7), 'WEBP'),
    'no_extension': made.encode(made.picture(8)),
  }.items():
    (target / name).write_bytes(data)
  output = convert(images, tmp_path / 'out', validation_fraction=0)
  written = converted.read_metadata(output)['splits']['train']
  assert written['formats'] == {'jpeg': 27, 'png': 5}
  assert written['notes'] == {'reencoded': 3}
  dataset = dataset_factory.get_dataset('folder', 'train', output)
  for image, _ in made.read_split(dataset):
    assert image.shape == (20, 30, 3)


def test_turned_images_are_counted(tmp_path, capsys):
  from PIL import Image

  images = fill(tmp_path / 'in')
  exif = Image.Exif()
  exif[0x0112] = 6
  data = made.encode(made.picture(1), exif=exif)
  (tmp_path / 'in/cat/turned.jpg').write_bytes(data)
  convert(images, tmp_path / 'out')
  assert '1 images have an EXIF orientation' in capsys.readouterr().out


def test_circles_of_links_end(tmp_path):
  images = fill(tmp_path / 'in')
  (tmp_path / 'in/cat/again').symlink_to('..')
  (tmp_path / 'in/cat/self').symlink_to('.')
  (tmp_path / 'in/emu').symlink_to('.')
  (tmp_path / 'other').mkdir()
  (tmp_path / 'other/a.jpg').write_bytes(made.encode(made.picture(1)))
  (tmp_path / 'in/dog/linked').symlink_to(tmp_path / 'other')
  found = folders.find(images).images
  assert len(found) == 25
  assert 'dog/linked/a.jpg' in {image.key for image in found}


def test_hidden_and_foreign_files_are_passed_over(tmp_path, capsys):
  images = fill(tmp_path / 'in')
  for name in ('.DS_Store', 'Thumbs.db', 'notes.txt', '.hidden.jpg'):
    (tmp_path / 'in/cat' / name).write_bytes(b'no image')
  (tmp_path / 'in/.git').mkdir()
  (tmp_path / 'in/empty').mkdir()
  output = convert(images, tmp_path / 'out')
  said = capsys.readouterr().out
  assert 'Skipping the class folder' in said
  assert "empty': it has no images" in said
  assert (
    "Ignoring 1 files that are not images, for instance 'cat/notes.txt'" in said
  )
  assert converted.read_label_file(output) == {0: 'cat', 1: 'dog'}


@pytest.mark.parametrize(
  ('classes', 'reason'),
  [
    (('Cat', 'cat'), 'differ only in case'),
    (('é', 'e\u0301'), 'encoding of accents'),
    (('a\nb', 'c'), 'Rename the folder'),
    ((os.fsdecode(b'\xff'), 'c'), 'Rename the folder'),
    ((' a', 'c'), 'Rename the folder'),
    ((), 'holds no folders'),
  ],
)
def test_classes_that_cannot_be_told_apart(tmp_path, classes, reason):
  (tmp_path / 'in').mkdir()
  fill(tmp_path / 'in', classes, count=1)
  with pytest.raises(UserError, match=reason):
    convert(tmp_path / 'in', tmp_path / 'out')


@pytest.mark.parametrize(
  ('options', 'reason'),
  [
    ({'images': None}, '--image_dir is missing'),
    ({'images': 'nowhere'}, 'There is no folder --image_dir'),
    ({'validation_fraction': 1.0}, '--validation_fraction=1.0'),
    ({'output': 'in/out'}, 'is inside --image_dir'),
  ],
)
def test_settings_that_cannot_work(tmp_path, options, reason):
  images = fill(tmp_path / 'in')
  if 'images' in options:
    images = options.pop('images')
  output = tmp_path / options.pop('output', 'out')
  options = engine.Options(image_dir=images, **options)
  with pytest.raises(UserError, match=reason):
    download_and_convert_folder.run(str(output), options)


def test_no_images_at_all(tmp_path):
  (tmp_path / 'in/cat').mkdir(parents=True)
  with pytest.raises(UserError, match='holds no images'):
    convert(tmp_path / 'in', tmp_path / 'out')


def test_one_class_is_said(tmp_path, capsys):
  images = fill(tmp_path / 'in', ('cat',))
  convert(images, tmp_path / 'out')
  assert "only one class, 'cat'" in capsys.readouterr().out

"""Exported files are there whole or not at all."""

import os

import pytest

from deployment.export import exported_files
from slim_support import errors, files, targets


def test_write_and_read_metadata(tmp_path):
  path = str(tmp_path / 'graph.pb')
  exported_files.write(path, b'graph', {'size': 28, 'name': 'Übung'})
  assert (tmp_path / 'graph.pb').read_bytes() == b'graph'
  assert exported_files.read_metadata(path) == {'size': 28, 'name': 'Übung'}
  assert sorted(os.listdir(tmp_path)) == ['graph.pb', 'graph.pb.json']


def test_failure_keeps_the_old_file(tmp_path, monkeypatch):
  path = tmp_path / 'graph.pb'
  exported_files.write(str(path), b'old', {'step': 1})

  def full_disk(descriptor):
    raise OSError(28, 'No space left on device')

  monkeypatch.setattr(files.os, 'fsync', full_disk)
  with pytest.raises(errors.UserError, match='No space left'):
    exported_files.write(str(path), b'new', {'step': 2})
  assert path.read_bytes() == b'old'
  assert 'graph.pb.tmp' not in os.listdir(tmp_path)
  # Better no metadata than those of another file.
  assert exported_files.read_metadata(str(path)) in (None, {'step': 1})


def test_damaged_metadata(tmp_path):
  (tmp_path / 'graph.pb.json').write_text('{"size"')
  with pytest.raises(errors.UserError, match='damaged'):
    exported_files.read_metadata(str(tmp_path / 'graph.pb'))


def test_new_folder_appears_at_the_end(tmp_path):
  path = tmp_path / 'model'
  with files.new_folder(f'{path}/') as folder:
    os.makedirs(folder)
    (tmp_path / os.path.basename(folder) / 'file').write_text('x')
    assert not path.exists()
  assert (path / 'file').read_text() == 'x'
  assert os.listdir(tmp_path) == ['model']


def test_new_folder_leaves_nothing_after_a_failure(tmp_path):
  def fill():
    with files.new_folder(str(tmp_path / 'model')) as folder:
      os.makedirs(folder)
      raise OSError(28, 'disk is full')

  with pytest.raises(errors.UserError, match='disk is full'):
    fill()
  assert os.listdir(tmp_path) == []


def test_existing_folder_is_refused(tmp_path):
  (tmp_path / 'file').write_text('x')
  with pytest.raises(errors.UserError, match='exists already'):
    targets.check_new_folder('saved_model_dir', str(tmp_path))


@pytest.mark.parametrize('name', ['file/graph.pb', 'folder'])
def test_place_that_cannot_be_written(tmp_path, name):
  (tmp_path / 'file').write_text('x')
  (tmp_path / 'folder').mkdir()
  with pytest.raises(errors.UserError, match='--frozen_file='):
    targets.check_writable('frozen_file', str(tmp_path / name))

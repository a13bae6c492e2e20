"""What a checkpoint path may mean, and what is said when it means nothing."""

import os
import tarfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import locate, matching, released, repair
from slim_support import errors, files


@pytest.fixture
def folder(tmp_path):
  """A folder with two checkpoints of one variable."""
  variable = tf.get_variable('net/x', initializer=np.float32([1, 2]))
  saver = tf.train.Saver(save_relative_paths=True)
  with tf.Session() as session:
    session.run(variable.initializer)
    for step in (5, 10):
      saver.save(session, str(tmp_path / 'model.ckpt'), global_step=step)
  return tmp_path


@pytest.mark.parametrize(
  'name',
  [
    '',
    'model.ckpt-10',
    'model.ckpt-10.index',
    'model.ckpt-10.meta',
    'model.ckpt-10.data-00000-of-00001',
    'checkpoint',
  ],
)
def test_every_way_to_name_a_checkpoint(folder, name):
  found = locate.resolve(str(folder / name))
  assert found == str(folder / 'model.ckpt-10')


def test_older_checkpoint_by_name(folder):
  found = locate.resolve(str(folder / 'model.ckpt-5'))
  assert locate.step_of(found) == 5


@pytest.mark.parametrize('suffix', ['tar.gz', 'tgz'])
def test_released_archive(folder, tmp_path, suffix):
  archive = tmp_path / f'net_2016.{suffix}'
  with tarfile.open(archive, 'w:gz') as tar:
    for name in os.listdir(folder):
      if name.startswith('model.ckpt-10'):
        tar.add(folder / name, arcname=f'inner/{name}')
  found = locate.resolve(str(archive))
  assert locate.reader(found).get_tensor('net/x').tolist() == [1, 2]
  assert locate.resolve(str(archive)) == found


def _archive(folder, path, names):
  """Makes an archive; `names` maps names in it to names in the folder."""
  with tarfile.open(path, 'w:gz') as tar:
    for inside, outside in names.items():
      for end in ('.index', '.data-00000-of-00001'):
        tar.add(folder / f'{outside}{end}', arcname=f'{inside}{end}')
  return str(path)


def test_archive_with_two_checkpoints(folder, tmp_path):
  names = {'one/a.ckpt': 'model.ckpt-5', 'two/b.ckpt': 'model.ckpt-10'}
  archive = _archive(folder, tmp_path / 'net.tgz', names)
  with pytest.raises(errors.UserError, match=r'one/a\.ckpt, two/b\.ckpt'):
    locate.resolve(archive)
  assert locate.resolve(str(tmp_path / 'net/two')).endswith('two/b.ckpt')


def test_archive_in_a_folder_that_cannot_be_written(
  folder, tmp_path, monkeypatch
):
  def refuse(path):
    raise OSError(30, 'Read-only file system', path)

  archive = _archive(folder, tmp_path / 'net.tgz', {'a.ckpt': 'model.ckpt-5'})
  monkeypatch.setattr(files, 'try_to_write', refuse)
  before = sorted(os.listdir(tmp_path))
  found = locate.resolve(archive)
  assert locate.reader(found).get_tensor('net/x').tolist() == [1, 2]
  assert not found.startswith(str(tmp_path))
  assert os.stat(os.path.dirname(found)).st_mode & 0o77 == 0
  assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize('error', [KeyboardInterrupt, OSError(28, 'full')])
def test_interrupted_unpacking_leaves_nothing(
  folder, tmp_path, monkeypatch, error
):
  def stop(*unused_args, **unused_kwargs):
    raise error

  archive = _archive(folder, tmp_path / 'net.tgz', {'a.ckpt': 'model.ckpt-5'})
  before = sorted(os.listdir(tmp_path))
  monkeypatch.setattr(tarfile.TarFile, 'extract', stop)
  with pytest.raises((KeyboardInterrupt, errors.UserError)):
    locate.resolve(archive)
  assert sorted(os.listdir(tmp_path)) == before


def test_archive_that_unpacks_to_too_much(folder, tmp_path, monkeypatch):
  monkeypatch.setattr(released, 'MAX_BYTES', 100)
  archive = _archive(folder, tmp_path / 'net.tgz', {'a.ckpt': 'model.ckpt-5'})
  with pytest.raises(errors.UserError, match='more than 100 bytes'):
    locate.resolve(archive)
  assert not os.path.exists(tmp_path / 'net')


def test_archive_that_is_none(tmp_path):
  path = tmp_path / 'net.tar.gz'
  path.write_text('<html>Not found</html>')
  with pytest.raises(errors.UserError, match=r'net\.tar\.gz is damaged.*[^:]$'):
    locate.resolve(str(path))
  assert os.listdir(tmp_path) == ['net.tar.gz']


def test_missing_checkpoint_names_its_neighbours(folder):
  with pytest.raises(errors.UserError, match=r'mean.*model\.ckpt-10'):
    locate.resolve(str(folder / 'model.ckpt-100'))


def test_folder_without_any(tmp_path):
  with pytest.raises(errors.UserError, match='holds no checkpoint'):
    locate.resolve(str(tmp_path))


def test_file_that_is_no_checkpoint(tmp_path):
  path = tmp_path / 'page.ckpt'
  path.write_text('<html>')
  with pytest.raises(errors.UserError, match='cannot be read'):
    locate.reader(locate.resolve(str(path)))


def test_repair_removes_leftovers_of_a_kill(folder):
  (folder / 'model.ckpt-15.data-00000-of-00001.tempstate123').write_text('x')
  (folder / 'model.ckpt-15_temp').mkdir()
  (folder / 'model.ckpt-15_temp' / 'part-00000').write_text('x')
  assert repair.repair(str(folder)) == str(folder / 'model.ckpt-10')
  assert not [name for name in os.listdir(folder) if 'temp' in name]


def test_repair_without_any_whole_checkpoint(folder):
  for step in (5, 10):
    (folder / f'model.ckpt-{step}.data-00000-of-00001').write_bytes(b'')
  with pytest.raises(errors.UserError, match='another --train_dir'):
    repair.repair(str(folder))


def test_repair_of_an_empty_folder(tmp_path):
  assert repair.repair(str(tmp_path)) is None


def test_shape_mismatch_says_variable_shapes_and_flag():
  message = 'net/fc is .1, 5. here and .1, 9. in .*exclude_scopes=net'
  with pytest.raises(errors.UserError, match=message):
    matching.check_fits(
      'a.ckpt', [], [matching.Mismatch('net/fc', [1, 5], [1, 9])]
    )


@pytest.mark.parametrize(('here', 'offset'), [(1001, 1), (1000, 0)])
def test_background_class_is_recognised(here, offset):
  item = matching.Mismatch('net/fc', [1, here], [1, 2001 - here])
  with pytest.raises(errors.UserError, match=f'labels_offset={offset}'):
    matching.check_fits('a.ckpt', [], [item])

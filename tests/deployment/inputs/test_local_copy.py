"""Copies on the local disk: used again, made again, and nobody else's."""

import copy
import os

import pytest

from datasets import reading
from deployment.inputs import local_copy
from slim_support import errors, files

_CONTENTS = (b'first', b'second', b'third')


class _Dataset:
  """What is read of a data set."""

  def __init__(self, data_sources):
    self.data_sources = data_sources


@pytest.fixture
def dataset(tmp_path):
  (tmp_path / 'data').mkdir()
  paths = [tmp_path / 'data' / f'{n}.tfrecord' for n in range(3)]
  for path, content in zip(paths, _CONTENTS, strict=True):
    path.write_bytes(content)
  return _Dataset([str(path) for path in paths])


def _contents(dataset):
  return tuple(map(files.read_bytes, reading.list_files(dataset)))


@pytest.fixture
def cache(tmp_path):
  return tmp_path / 'cache'


def test_copies_are_made_once_in_the_order_of_the_files(dataset, cache):
  local = local_copy.on_disk(dataset, str(cache))
  assert _contents(local) == _CONTENTS
  assert dataset.data_sources[0] not in local.data_sources
  times = [os.stat(name).st_mtime_ns for name in local.data_sources]
  again = local_copy.on_disk(dataset, str(cache))
  assert again.data_sources == local.data_sources
  assert [os.stat(name).st_mtime_ns for name in again.data_sources] == times


def test_a_copy_that_was_cut_short_is_made_again(dataset, cache):
  local = local_copy.on_disk(dataset, str(cache))
  with open(local.data_sources[1], 'r+b') as file:
    file.truncate(2)
  again = local_copy.on_disk(dataset, str(cache))
  assert _contents(again) == _CONTENTS
  folder = os.path.dirname(again.data_sources[0])
  assert len(os.listdir(folder)) == 3


@pytest.mark.parametrize('keep_time', [True, False])
def test_other_contents_of_the_same_size_are_copied_again(
  dataset, cache, keep_time
):
  local_copy.on_disk(dataset, str(cache))
  path = dataset.data_sources[1]
  times = os.stat(path)
  with open(path, 'wb') as file:
    file.write(b'SECOND')
  if keep_time:
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
  again = local_copy.on_disk(dataset, str(cache))
  assert _contents(again) == (b'first', b'SECOND', b'third')


def test_a_change_in_the_middle_shows_by_its_time(tmp_path):
  path = tmp_path / 'large'
  path.write_bytes(bytes(300_000))
  before = files.fingerprint(str(path))
  assert files.fingerprint(str(path)) == before
  with open(path, 'r+b') as file:
    file.seek(150_000)
    file.write(b'x')
  os.utime(path, ns=(1, 10**18))
  assert files.fingerprint(str(path)) != before


def test_copies_are_private(dataset, cache):
  local = local_copy.on_disk(dataset, str(cache))
  mode = os.stat(os.path.dirname(local.data_sources[0])).st_mode
  assert mode & 0o777 == 0o700


def _private(cache):
  return cache / f'slim-cache-{os.getuid()}'


@pytest.mark.parametrize(
  'planted',
  ['a link', 'open to others', 'a file', 'of another', 'parent of another'],
)
def test_a_folder_that_others_made_is_refused(
  dataset, cache, planted, tmp_path
):
  cache.mkdir()
  victim = tmp_path / 'victim'
  victim.mkdir()
  if planted == 'a link':
    _private(cache).symlink_to(victim)
  elif planted == 'a file':
    _private(cache).write_bytes(b'')
  else:
    _private(cache).mkdir()
  if planted == 'open to others':
    _private(cache).chmod(0o777)
  if planted.endswith('of another'):
    if os.getuid() != 0:
      pytest.skip('only root can give folders away')
    path = cache if planted.startswith('parent') else _private(cache)
    os.chown(path, 12345, 12345)
  with pytest.raises(errors.UserError, match='--cache_dir: .*cannot be copied'):
    local_copy.on_disk(dataset, str(cache))
  assert os.listdir(victim) == []


def test_a_folder_that_others_can_write_needs_the_sticky_bit(dataset, cache):
  cache.mkdir()
  cache.chmod(0o777)
  with pytest.raises(errors.UserError, match='other users can write there'):
    local_copy.on_disk(dataset, str(cache))
  cache.chmod(0o1777)
  assert _contents(local_copy.on_disk(dataset, str(cache))) == _CONTENTS


def test_a_folder_that_cannot_be_made_is_named(dataset, tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(errors.UserError, match='--cache_dir.*file'):
    local_copy.on_disk(dataset, str(tmp_path / 'file'))


@pytest.mark.parametrize(
  ('wrong', 'message'),
  [('pipe', 'cannot be read'), ('remote', 'a disk of this machine')],
)
def test_what_cannot_be_copied_is_refused(dataset, tmp_path, wrong, message):
  dataset = copy.copy(dataset)
  folder = 'gs://bucket/cache' if wrong == 'remote' else str(tmp_path / 'c')
  if wrong == 'pipe':
    os.mkfifo(tmp_path / 'pipe')
    dataset.data_sources = [str(tmp_path / 'pipe')]
  with pytest.raises(errors.UserError, match=message):
    local_copy.on_disk(dataset, folder)

import gzip
import io
import tarfile
import zipfile

import pytest

from datasets.downloading import archives
from slim_support.errors import UserError
from tests.datasets import made


def special(name, kind, target=''):
  member = tarfile.TarInfo(name)
  member.type, member.linkname = kind, target
  return member


HOSTILE = {
  'parent': {'../evil': b'x'},
  'absolute': {'/tmp/evil_of_test': b'x'},
  'deep parent': {'a/b/../../../evil': b'x'},
  'symbolic link': {'a': special('a', tarfile.SYMTYPE, '/etc')},
  'hard link': {'a': special('a', tarfile.LNKTYPE, '../evil')},
  'device': {'a': special('a', tarfile.CHRTYPE)},
  'pipe': {'a': special('a', tarfile.FIFOTYPE)},
}


@pytest.mark.parametrize('kind', HOSTILE)
def test_hostile_tar_is_refused_whole(tmp_path, kind):
  inside = tmp_path / 'inside'
  inside.mkdir()
  path = tmp_path / 'a.tgz'
  path.write_bytes(made.tar_bytes({'fine': b'fine', **HOSTILE[kind]}))
  with pytest.raises(UserError, match='refused'):
    archives.extract_tar(str(path), str(inside))
  assert made.folder_bytes(tmp_path) == {'a.tgz': path.read_bytes()}


def test_good_tar_is_unpacked(tmp_path):
  path = tmp_path / 'a.tgz'
  path.write_bytes(made.tar_bytes({'a/b.txt': b'hello'}))
  archives.extract_tar(str(path), str(tmp_path))
  assert (tmp_path / 'a/b.txt').read_bytes() == b'hello'


def test_tar_bomb_is_refused(tmp_path):
  path = tmp_path / 'a.tgz'
  path.write_bytes(made.tar_bytes({'a': bytes(10**6)}))
  with pytest.raises(UserError, match='more than 1000 bytes'):
    archives.extract_tar(str(path), str(tmp_path), max_bytes=1000)
  path.write_bytes(made.tar_bytes({str(n): b'' for n in range(9)}))
  with (
    tarfile.open(path) as tar,
    pytest.raises(UserError, match='more than 5 members'),
  ):
    list(archives.safe_members(tar, str(path), max_bytes=1000, max_members=5))


def test_gzip_bomb_is_refused(tmp_path):
  path = tmp_path / 'a.gz'
  path.write_bytes(gzip.compress(bytes(10**6)))
  with pytest.raises(UserError, match='more than'):
    archives.read_gzip(str(path), 1000)
  with pytest.raises(UserError, match='more than'):
    archives.unpack_gzip(str(path), str(tmp_path / 'a'), 1000)
  assert not (tmp_path / 'a').exists()


@pytest.mark.parametrize('damage', ['cut', 'page', 'flip'])
def test_damaged_gzip_is_named(tmp_path, damage):
  path = tmp_path / 'a.gz'
  data = gzip.compress(bytes(range(256)) * 99)
  flipped = data[:60] + bytes([data[60] ^ 255]) + data[61:]
  path.write_bytes(
    {'cut': data[:-20], 'page': b'<html>', 'flip': flipped}[damage]
  )
  with pytest.raises(UserError, match='not an archive of its kind'):
    archives.read_gzip(str(path), 10**6)


def test_zip_out_of_the_folder_is_refused(tmp_path):
  output = io.BytesIO()
  with zipfile.ZipFile(output, 'w') as archive:
    archive.writestr('../evil', b'x')
  with (
    zipfile.ZipFile(output) as archive,
    pytest.raises(UserError, match='leads out'),
  ):
    archives.extract_zip(archive, str(tmp_path))
  assert made.folder_bytes(tmp_path) == {}

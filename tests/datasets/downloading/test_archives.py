import gzip
import io
import os
import resource
import shutil
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


def zip_bytes(members, **options):
  output = io.BytesIO()
  with zipfile.ZipFile(output, 'w', **options) as archive:
    for name, data in members.items():
      archive.writestr(name, data)
  return output.getvalue()


def unpack(path, folder):
  """Unpacks an archive as the public helpers do."""
  if path.suffix == '.zip':
    with (
      archives.report_damaged_archive(str(path)),
      zipfile.ZipFile(path) as archive,
    ):
      archives.extract_zip(archive, str(folder))
  else:
    archives.extract_tar(str(path), str(folder))


MEMBERS = {'a/1.bin': bytes(range(256)) * 300, 'a/2.bin': b'x' * 90_000}
ARCHIVES = {
  'a.tar': lambda: made.tar_bytes(MEMBERS, 'w'),
  'a.tgz': lambda: made.tar_bytes(MEMBERS, 'w:gz'),
  'a.tar.bz2': lambda: made.tar_bytes(MEMBERS, 'w:bz2'),
  'a.tar.xz': lambda: made.tar_bytes(MEMBERS, 'w:xz'),
  'a.zip': lambda: zip_bytes(MEMBERS, compression=zipfile.ZIP_DEFLATED),
}


@pytest.mark.parametrize('name', ARCHIVES)
def test_damaged_archive_leaves_nothing(tmp_path, name):
  data = ARCHIVES[name]()
  path, folder = tmp_path / name, tmp_path / 'out'
  folder.mkdir()
  (folder / 'a').mkdir()
  (folder / 'a/1.bin').write_bytes(b'mine')
  middle = len(data) // 2
  flipped = bytearray(data)
  flipped[middle] ^= 0xFF
  for damaged in (
    data[:middle], data[:-1030], bytes(flipped), b'', b'<html>', bytes(2000),
    data[:5], data[:3] + b'\xff' * 200 + data[203:],
  ):  # fmt: skip
    path.write_bytes(damaged)
    message = None
    try:
      unpack(path, folder)
    except UserError as error:
      message = str(error)
    if message is None:  # A tar without compression has no checksums.
      (folder / 'a/1.bin').write_bytes(b'mine')
      (folder / 'a/2.bin').unlink(missing_ok=True)
      continue
    assert made.folder_bytes(folder) == {'a/1.bin': b'mine'}
    assert message.endswith('.')
    assert '\n' not in message
  path.write_bytes(data)
  unpack(path, folder)
  assert made.folder_bytes(folder) == MEMBERS


@pytest.mark.parametrize('kind', ['pipe', 'folder', 'device', 'missing'])
def test_archive_that_is_no_file(tmp_path, kind):
  path = tmp_path / 'a.tgz'
  {
    'pipe': lambda: os.mkfifo(path),
    'folder': path.mkdir,
    'device': lambda: path.symlink_to('/dev/zero'),
    'missing': lambda: None,
  }[kind]()
  for function in (
    lambda: archives.extract_tar(str(path), str(tmp_path)),
    lambda: archives.read_gzip(str(path), 100),
    lambda: archives.unpack_gzip(str(path), str(tmp_path / 'x'), 100),
  ):
    with pytest.raises(UserError, match='a.tgz cannot be read: .*'):
      function()


def test_interrupted_unpacking_leaves_nothing(tmp_path, monkeypatch):
  path, folder = tmp_path / 'a.tar', tmp_path / 'out'
  folder.mkdir()
  path.write_bytes(made.tar_bytes(MEMBERS, 'w'))
  extract = tarfile.TarFile.extract

  def stop_at_second(self, member, *args, **kwargs):
    if member.name.endswith('2.bin'):
      raise KeyboardInterrupt
    return extract(self, member, *args, **kwargs)

  monkeypatch.setattr(tarfile.TarFile, 'extract', stop_at_second)
  with pytest.raises(KeyboardInterrupt):
    archives.extract_tar(str(path), str(folder))
  assert os.listdir(folder) == []


def test_unpacking_onto_a_full_disk(tmp_path):
  path, folder = tmp_path / 'a.tar', tmp_path / 'out'
  folder.mkdir()
  path.write_bytes(made.tar_bytes(MEMBERS, 'w'))
  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
  try:
    with pytest.raises(UserError, match='cannot be unpacked in .*too large'):
      archives.extract_tar(str(path), str(folder))
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
  assert os.listdir(folder) == []


def test_more_than_the_disk_holds_is_refused_early(tmp_path, monkeypatch):
  path = tmp_path / 'a.tar'
  path.write_bytes(made.tar_bytes(MEMBERS, 'w'))
  usage = shutil.disk_usage(tmp_path)
  monkeypatch.setattr(
    shutil, 'disk_usage', lambda unused: usage._replace(free=1000)
  )
  with pytest.raises(UserError, match='has only 0 MB free'):
    archives.extract_tar(str(path), str(tmp_path))
  assert os.listdir(tmp_path) == ['a.tar']


@pytest.mark.parametrize('suffix', ['tgz', 'zip'])
def test_bomb_without_a_bound_is_refused(tmp_path, suffix):
  """A tar header that promises 100 GB, in an archive of some bytes."""
  path = tmp_path / f'a.{suffix}'
  if suffix == 'zip':
    data = bytearray(zip_bytes({'a': b'x'}))
    start = data.index(b'PK\x01\x02')
    data[start + 24 : start + 28] = (2**32 - 2).to_bytes(4, 'little')
    path.write_bytes(bytes(data))
  else:
    member = tarfile.TarInfo('a')
    member.size = 10**11
    path.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT)))
  with pytest.raises(UserError, match='more than it can rightly hold'):
    unpack(path, tmp_path)
  assert os.listdir(tmp_path) == [path.name]


def test_encrypted_zip_is_named(tmp_path):
  data = bytearray(zip_bytes({'a': b'x'}))
  for mark, place in ((b'PK\x03\x04', 6), (b'PK\x01\x02', 8)):
    data[data.index(mark) + place] |= 1
  path = tmp_path / 'a.zip'
  path.write_bytes(bytes(data))
  with pytest.raises(UserError, match='encrypted'):
    unpack(path, tmp_path)

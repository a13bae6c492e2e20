"""Released checkpoints from a server that serves archives, good and bad."""

import hashlib
import io
import tarfile
import threading
import types

import pytest

from deployment.checkpoints import download, locate
from nets.pretrained import CHECKPOINTS
from slim_support.errors import UserError
from tests.datasets import made
from tests.deployment import export_helpers


@pytest.fixture(scope='module')
def checkpoint_files(tmp_path_factory):
  """The files of a checkpoint of LeNet, by the end of their names."""
  folder = tmp_path_factory.mktemp('lenet')
  export_helpers.checkpoint('lenet', folder)
  start = 'model.ckpt'
  return {
    path.name.removeprefix(start): path.read_bytes()
    for path in folder.glob(f'{start}*')
  }


@pytest.fixture
def server():
  with made.Server() as running:
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    yield running
    running.shutdown()
    thread.join()


def _archive(members):
  file = io.BytesIO()
  with tarfile.open(fileobj=file, mode='w:gz') as tar:
    for name, data in members.items():
      member = tarfile.TarInfo(name)
      member.size = len(data)
      tar.addfile(member, io.BytesIO(data))
  return file.getvalue()


def _released(
  server, data, checksum=None, name='lenet_2016_08_28.tar.gz', **how
):
  return types.SimpleNamespace(
    archive=name,
    url=server.put(name, data, **how),
    size=len(data) if checksum else None,
    checksum=checksum,
  )


def _fetch(checkpoint, folder):
  return download.fetch(checkpoint, str(folder), made.FAST_RETRY)


def _names(folder):
  return sorted(
    str(path.relative_to(folder))
    for path in folder.rglob('*')
    if path.is_file()
  )


@pytest.mark.parametrize('name', ['lenet', 'sub/lenet', 'model'])
def test_checkpoint_is_where_it_is_looked_for(
  server, tmp_path, checkpoint_files, name
):
  members = {
    f'{name}.ckpt{end}': data for end, data in checkpoint_files.items()
  }
  data = _archive({**members, f'{name}.tflite': b'other', 'notes.txt': b''})
  path = _fetch(_released(server, data), tmp_path)
  prefix = download.unpack(path, str(tmp_path))
  folder = 'lenet_2016_08_28/' if name == 'model' else ''
  expected = f'{tmp_path}/{folder}{name.removeprefix("sub/")}.ckpt'
  assert locate.resolve(prefix) == expected
  assert locate.reader(prefix).get_variable_to_shape_map()
  kept = {n for n in _names(tmp_path) if '.ckpt' in n}
  assert len(kept) == len(checkpoint_files)
  assert {*_names(tmp_path)} - kept == {
    'lenet_2016_08_28.tar.gz',
    'lenet_2016_08_28.tar.gz.sha256',
  }
  assert download.unpack(path, str(tmp_path)) == prefix


def test_broken_connection_resumes(server, tmp_path, checkpoint_files):
  data = _archive({'lenet.ckpt': checkpoint_files['.index'] * 50})
  path = _fetch(_released(server, data, breaks_after=[100, 100]), tmp_path)
  assert len(server.requests) == 3
  with open(path, 'rb') as file:
    assert file.read() == data


def test_later_download_that_differs_is_refused(server, tmp_path):
  first = _archive({'lenet.ckpt': b'first'})
  path = _fetch(_released(server, first), tmp_path)
  assert _fetch(_released(server, first), tmp_path) == path
  (tmp_path / 'lenet_2016_08_28.tar.gz').unlink()
  with pytest.raises(UserError, match=hashlib.sha256(first).hexdigest()):
    _fetch(_released(server, _archive({'lenet.ckpt': b'other'})), tmp_path)
  assert _names(tmp_path) == ['lenet_2016_08_28.tar.gz.sha256']


@pytest.mark.parametrize('algorithm', ['sha256', 'sha384'])
def test_published_checksum_must_match(server, tmp_path, algorithm):
  data = _archive({'lenet.ckpt': b'weights'})
  right = hashlib.new(algorithm, data).hexdigest()
  wrong = hashlib.new(algorithm, b'other').hexdigest()
  with pytest.raises(UserError, match=f'expected {wrong}'):
    _fetch(_released(server, data, wrong), tmp_path)
  assert _names(tmp_path) == []
  _fetch(_released(server, data, right), tmp_path)
  assert _names(tmp_path) == ['lenet_2016_08_28.tar.gz']


@pytest.mark.parametrize(
  'data', [b'<html>Log in</html>' * 100, b'', b'\x1f\x8b damaged']
)
def test_what_is_not_an_archive_is_refused(server, tmp_path, data):
  with pytest.raises(UserError, match='Delete it and run the same command'):
    _fetch(_released(server, data), tmp_path)
  assert not list(tmp_path.glob('*.sha256'))


@pytest.mark.parametrize(
  ('members', 'message'),
  [
    ({'notes.txt': b''}, 'holds no checkpoint'),
    ({'a.ckpt': b'', 'b.ckpt': b''}, 'holds several checkpoints'),
    ({'../a.ckpt': b''}, 'is not safe'),
  ],
)
def test_archives_without_one_checkpoint(server, tmp_path, members, message):
  path = _fetch(_released(server, _archive(members)), tmp_path)
  with pytest.raises(UserError, match=message):
    download.unpack(path, str(tmp_path))
  assert len(_names(tmp_path)) == 2


def test_missing_page(server, tmp_path):
  one = _released(server, b'')
  one.url = server.url('absent.tar.gz')
  with pytest.raises(UserError, match='HTTP status 404'):
    _fetch(one, tmp_path)


def test_mirror_only_where_the_checksum_is_known():
  for released in CHECKPOINTS.values():
    for one in released:
      first, *mirrors = download._urls(one)
      assert first == one.url
      assert not mirrors or one.checksum


@pytest.mark.parametrize(
  ('name', 'command'),
  [
    ('inception_v3.ckpt', '--model_name=inception_v3 --checkpoint_dir='),
    ('inception_v3_2016_08_28.tar.gz', '--model_name=inception_v3 --check'),
    ('mobilenet_v1_1.0_224.ckpt', '--model_name=mobilenet_v1 --checkpoint_'),
    (
      'mobilenet_v1_0.5_160.ckpt',
      '--model_name=mobilenet_v1_050 --image_size=',
    ),
  ],
)
def test_missing_released_checkpoint_names_the_command(tmp_path, name, command):
  with pytest.raises(UserError) as error:
    locate.resolve(str(tmp_path / name))
  assert command in str(error.value)
  with pytest.raises(UserError) as error:
    locate.resolve(str(tmp_path / 'mine.ckpt'))
  assert 'download_checkpoint' not in str(error.value)


def test_evaluation_commands_are_complete():
  command = download.evaluation_command(
    'resnet_v1_50', download.find('resnet_v1_50'), 'x'
  )
  assert '--labels_offset=1' in command
  command = download.evaluation_command(
    'resnet_v2_50', download.find('resnet_v2_50'), 'x'
  )
  assert '--eval_image_size=299' in command
  assert '--preprocessing_name=inception' in command
  command = download.evaluation_command(
    'inception_v3', download.find('inception_v3'), 'x'
  )
  assert 'eval_image_size' not in command

"""Download of released checkpoints, from archives in a local folder."""

import hashlib
import io
import pathlib
import subprocess
import sys
import tarfile

import pytest

from nets.pretrained import CHECKPOINTS
from tests import conftest

_RELEASED = [one for released in CHECKPOINTS.values() for one in released]
# Downloads the archive argv[1] to the folder argv[2]; argv[3] is its checksum.
_FETCH = """
import sys
sys.path.insert(0, 'scripts')
import download_checkpoint
from deployment.command_line import entry

class Checkpoint:
  archive, size = 'model.tgz', None
  url, folder, checksum = sys.argv[1], sys.argv[2], sys.argv[3] or None

sys.argv = sys.argv[:1]
fetch = download_checkpoint.fetch
entry.run(lambda: print(fetch(Checkpoint, Checkpoint.folder)))
"""


@pytest.fixture
def fetch(tmp_path):
  def run(data, checksum=''):
    source, target = tmp_path / 'released.tgz', tmp_path / 'downloaded'
    source.write_bytes(data)
    target.mkdir(exist_ok=True)
    return subprocess.run(
      [sys.executable, '-c', _FETCH, source.as_uri(), str(target), checksum],
      cwd=conftest.ROOT,
      capture_output=True,
      text=True,
      check=False,
    )

  return run


def _archive():
  file = io.BytesIO()
  with tarfile.open(fileobj=file, mode='w:gz') as tar:
    member = tarfile.TarInfo('model.ckpt')
    member.size = 5
    tar.addfile(member, io.BytesIO(b'bytes'))
  return file.getvalue()


@pytest.mark.parametrize('algorithm', ['', 'sha256', 'sha384'])
def test_archive_is_downloaded_and_verified(fetch, algorithm):
  data = _archive()
  checksum = hashlib.new(algorithm, data).hexdigest() if algorithm else ''
  for _ in range(2):  # the second time it is there
    result = fetch(data, checksum)
    assert result.returncode == 0, result.stderr
    path = pathlib.Path(result.stdout.strip())
    assert path.name == 'model.tgz'
    assert path.read_bytes() == data


@pytest.mark.parametrize('algorithm', ['sha256', 'sha384'])
def test_another_archive_is_refused(fetch, tmp_path, algorithm):
  checksum = hashlib.new(algorithm, b'other').hexdigest()
  result = fetch(_archive(), checksum)
  assert result.returncode == 1
  assert f'expected {checksum}' in result.stderr
  assert [*(tmp_path / 'downloaded').iterdir()] == []


def test_file_that_is_no_archive_is_refused(fetch):
  result = fetch(b'<html>Log in</html>')
  assert result.returncode == 1
  assert 'is not an archive' in result.stderr


@pytest.mark.parametrize(
  ('flags', 'reason'),
  [
    ([], '--model_name is missing'),
    (['--model_name=inception_v5'], 'Did you mean'),
    (['--model_name=lenet'], 'Known:'),
    (['--model_name=mobilenet_v1', '--image_size=100'], '224, 192, 160, 128'),
    (['--model_name=vgg_16', '--output_dir=/dev/null'], '--output_dir'),
  ],
)
def test_wrong_flags_are_refused(run_script, flags, reason):
  result = run_script('scripts/download_checkpoint.py', *flags)
  assert result.returncode == 1
  assert reason in result.stderr
  assert 'Traceback' not in result.stderr


def test_checkpoints_are_addressed_by_https():
  assert all(one.url.startswith('https://') for one in _RELEASED)


def test_known_checksums_belong_to_released_archives():
  known = [one for one in _RELEASED if one.checksum]
  assert len(known) == 8
  for one in known:
    assert len(bytes.fromhex(one.checksum)) in (32, 48)
    assert one.size > 1_000_000

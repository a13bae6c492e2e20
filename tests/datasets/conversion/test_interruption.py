"""Conversions that are killed, run out of space or meet each other."""

import errno
import os
import resource
import subprocess
import threading

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


@pytest.mark.parametrize('stop_at', [0, 9, 10, 25, 45, 49])
def test_interrupted_run_goes_on_after_the_last_shard(
  tmp_path, undisturbed, stop_at
):
  """Stops at an error; what follows reads no finished shard again."""
  seen = []

  def read(index):
    seen.append(index)
    if len(seen) == stop_at + 1:
      raise RuntimeError('stop')
    return make_sample(index)

  with pytest.raises(RuntimeError):
    engine.convert(make_source(read=read), str(tmp_path))
  left = made.folder_bytes(tmp_path)
  assert all(name.startswith('.conversion/') for name in left)
  assert not any(name.endswith('.tmp') for name in left)
  seen.clear()
  seen.extend([None] * 1000)
  engine.convert(make_source(read=read), str(tmp_path))
  finished = stop_at // 10 * 10 if stop_at < 40 else 40
  assert len(seen) - 1000 <= 50 - finished
  assert made.folder_bytes(tmp_path) == undisturbed


@pytest.mark.parametrize('step', range(1, 13))
def test_break_off_while_publishing(tmp_path, undisturbed, monkeypatch, step):
  """Stops before the nth file gets its name; nothing passes for complete."""
  replace, count = os.replace, 0

  def break_off(source, target):
    nonlocal count
    if os.path.dirname(target) == str(tmp_path):
      count += 1
      if count == step:
        raise KeyboardInterrupt
    replace(source, target)

  monkeypatch.setattr(os, 'replace', break_off)
  if step <= 10:
    with pytest.raises(KeyboardInterrupt):
      engine.convert(make_source(), str(tmp_path))
    assert converted.read_metadata(str(tmp_path)) is None
  monkeypatch.undo()
  engine.convert(make_source(), str(tmp_path))
  assert made.folder_bytes(tmp_path) == undisturbed


def test_torn_journal_line_is_passed_over(tmp_path, undisturbed):
  stop = {}

  def read(index):
    stop[index] = True
    if len(stop) > 25:
      raise RuntimeError
    return make_sample(index)

  with pytest.raises(RuntimeError):
    engine.convert(make_source(read=read), str(tmp_path))
  with open(tmp_path / '.conversion/journal.jsonl', 'ab') as journal:
    journal.write(b'{"file": "train-2-4", "byt')
  engine.convert(make_source(), str(tmp_path))
  assert made.folder_bytes(tmp_path) == undisturbed


def test_full_disk_is_said_in_a_sentence(tmp_path, undisturbed):
  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, before[1]))
  try:
    with pytest.raises(UserError, match='No space left for'):
      engine.convert(make_source(), str(tmp_path))
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
  left = made.folder_bytes(tmp_path)
  assert all(name.startswith('.conversion/') for name in left)
  engine.convert(make_source(), str(tmp_path))
  assert made.folder_bytes(tmp_path) == undisturbed


@pytest.mark.skipif(os.geteuid() != 0, reason='mounting needs root')
def test_full_file_system_leaves_no_file_under_its_name(tmp_path, undisturbed):
  mounted = subprocess.run(
    ['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', tmp_path],
    capture_output=True,
    check=False,
  )
  if mounted.returncode:
    pytest.skip('no file system can be mounted here')
  try:
    with pytest.raises(UserError, match='No space left for'):
      engine.convert(make_source(), str(tmp_path))
    left = made.folder_bytes(tmp_path)
    assert all(name.startswith('.conversion/') for name in left)
    subprocess.run(['mount', '-o', 'remount,size=4m', tmp_path], check=True)
    engine.convert(make_source(), str(tmp_path))
    assert made.folder_bytes(tmp_path) == undisturbed
  finally:
    subprocess.run(['umount', tmp_path], check=True)


def test_two_threads_do_not_convert_at_once(tmp_path):
  """The lock is that of the folder, whoever asks."""
  inside, leave = threading.Event(), threading.Event()

  def read(index):
    inside.set()
    leave.wait(10)
    return make_sample(index)

  thread = threading.Thread(
    target=engine.convert, args=(make_source(read=read), str(tmp_path))
  )
  thread.start()
  try:
    assert inside.wait(10)
    with pytest.raises(UserError, match='Another conversion'):
      engine.convert(make_source(), str(tmp_path))
  finally:
    leave.set()
    thread.join()
  assert converted.read_metadata(str(tmp_path))['name'] == 'small'


def test_other_errors_of_the_file_system_are_stated(tmp_path):
  def read(index):
    raise OSError(errno.EIO, 'the disk is broken')

  with pytest.raises(UserError, match='error of the file system.*broken'):
    engine.convert(make_source(read=read), str(tmp_path))

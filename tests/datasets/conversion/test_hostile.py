"""Conversions beside hostile, damaged and odd files."""

import contextlib
import json
import os
import shutil

import hypothesis
import pytest
from hypothesis import strategies

from datasets import converted
from datasets.conversion import engine, publishing, shards
from datasets.conversion.shards import RejectedImage
from slim_support.errors import UserError
from tests.datasets import made
from tests.datasets.small import make_sample, make_source


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
  folder = tmp_path_factory.mktemp('undisturbed')
  engine.convert(make_source(), str(folder))
  return made.folder_bytes(folder)


def tree(folder):
  """Returns all paths below a folder."""
  return sorted(str(path.relative_to(folder)) for path in folder.rglob('*'))


@pytest.mark.parametrize('kind', ['relative', 'absolute', 'link'])
def test_shards_outside_the_folder_are_never_deleted(tmp_path, kind):
  inside, precious = tmp_path / 'inside', tmp_path / 'precious'
  precious.write_bytes(b'stays')
  engine.convert(make_source(), str(inside))
  path = inside / 'dataset.json'
  content = json.loads(path.read_text())
  name = {'relative': '../precious', 'absolute': str(precious), 'link': 'x'}[
    kind
  ]
  (inside / 'x').symlink_to(precious)
  content['splits']['train']['shards'][0]['file'] = name
  path.write_text(json.dumps(content))
  with contextlib.suppress(UserError):
    engine.convert(make_source(settings={'other': 1}), str(inside))
  assert precious.read_bytes() == b'stays'


BLOCKS = {
  'folder': lambda path: path.mkdir(),
  'pipe': os.mkfifo,
  'link to itself': lambda path: path.symlink_to(path),
  'full device': lambda path: path.symlink_to('/dev/full'),
}


@pytest.mark.parametrize('block', BLOCKS)
@pytest.mark.parametrize(
  'name',
  [
    '.conversion',
    '.conversion-lock',
    '.conversion/journal.jsonl',
    '.conversion/train-0-4.tmp',
    'train-0-4',
    'labels.txt',
    'dataset.json',
  ],
)
def test_what_stands_in_the_way(tmp_path, undisturbed, name, block):
  """It ends well or in a sentence; the next run without it is right."""
  path = tmp_path / name
  path.parent.mkdir(exist_ok=True)
  BLOCKS[block](path)
  message = None
  try:
    engine.convert(make_source(), str(tmp_path))
  except UserError as error:
    message = str(error)
  if message is not None:
    assert message.endswith('.')
    assert '\n' not in message
    assert not os.path.isfile(tmp_path / 'dataset.json')
  if path.is_dir():
    shutil.rmtree(path)
  elif os.path.lexists(path) and not path.is_file():
    path.unlink()
  engine.convert(make_source(), str(tmp_path))
  assert made.folder_bytes(tmp_path) == undisturbed


@pytest.mark.parametrize('target', ['file', 'pipe', 'device', 'below a file'])
def test_output_that_is_no_folder(tmp_path, target):
  path = tmp_path / 'out'
  if target == 'pipe':
    os.mkfifo(path)
  elif target == 'device':
    path = '/dev/null'
  else:
    path.write_bytes(b'stays')
  path = f'{path}/x' if target == 'below a file' else str(path)
  with pytest.raises(UserError, match='--dataset_dir=.*cannot write there'):
    engine.convert(make_source(), path)


@pytest.mark.skipif(os.geteuid() != 0, reason='gives up the rights of root')
def test_read_only_folder(tmp_path):
  for parent in list(tmp_path.parents)[:2]:
    parent.chmod(0o755)
  tmp_path.chmod(0o555)
  os.seteuid(65534)
  try:
    for path in (str(tmp_path), str(tmp_path / 'new')):
      with pytest.raises(UserError, match='Permission denied'):
        engine.convert(make_source(), path)
  finally:
    os.seteuid(0)


def interrupted(folder):
  """Leaves a conversion after two shards and a half."""

  def read(index):
    if index == 25:
      raise RuntimeError
    return make_sample(index)

  with pytest.raises(RuntimeError):
    engine.convert(make_source(read=read), str(folder))
  return folder / '.conversion/journal.jsonl'


JOURNALS = {
  'empty': b'',
  'binary': bytes(range(256)),
  'other values': b'null\n[]\n7\n',
  'page': b'<!DOCTYPE html>\n',
  'deep': b'[' * 100_000 + b'\n',
}
ENTRIES = [
  b'null', b'[]', b'{}', b'7', b'"x"', b'{"file": 7}', b'[' * 100_000, b'\xff',
  b'{"file": "../../precious", "bytes": 5, "num_samples": 0, "labels": {},'
  b' "formats": {}, "notes": {}, "bad": []}',
  b'{"file": "train-3-4", "bytes": 1, "num_samples": 5, "labels": {"x": 5},'
  b' "formats": {}, "notes": {}, "bad": []}',
  b'{"file": "train-3-4", "bytes": 1, "num_samples": 0, "labels": {},'
  b' "formats": {}, "notes": {}, "bad": [["x"]]}',
]  # fmt: skip


@pytest.mark.parametrize('name', JOURNALS)
def test_journal_of_other_content(tmp_path, undisturbed, name):
  interrupted(tmp_path).write_bytes(JOURNALS[name])
  engine.convert(make_source(), str(tmp_path))
  assert made.folder_bytes(tmp_path) == undisturbed


@pytest.mark.parametrize('entry', ENTRIES)
def test_wrong_line_of_the_journal(tmp_path, undisturbed, entry):
  with open(interrupted(tmp_path), 'ab') as journal:
    journal.write(entry + b'\n')
  engine.convert(make_source(), str(tmp_path))
  assert made.folder_bytes(tmp_path) == undisturbed


_KEYS = [*shards._SHARD_SCHEMA]
_VALUES = strategies.recursive(
  strategies.none() | strategies.integers() | strategies.text(max_size=3),
  lambda inner: (
    strategies.lists(inner, max_size=2)
    | strategies.dictionaries(strategies.text(max_size=2), inner, max_size=2)
  ),
)


@hypothesis.settings(
  max_examples=200,
  deadline=None,
  suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
  lines=strategies.lists(
    strategies.binary(max_size=30)
    | strategies.dictionaries(
      strategies.sampled_from(_KEYS), _VALUES, max_size=7
    ).map(lambda entry: json.dumps(entry).encode()),
    max_size=3,
  )
)
def test_any_journal_is_read(tmp_path, lines):
  data = b'{"made": 1}\n' + b''.join(line + b'\n' for line in lines)
  (tmp_path / 'journal.jsonl').write_bytes(data)
  journal = shards.Journal(str(tmp_path), {'made': 1})
  for shard in journal._shards.values():
    assert converted.is_plain_name(shard['file'])
    shards.summarize([shard])
  assert journal.get('train-0-4') is None


def test_names_of_bad_images_stay_on_their_line(tmp_path):
  rejected = [
    RejectedImage('cat/a\nb\t\x1b[31m.jpg', 'it is bad'),
    RejectedImage(os.fsdecode(b'cat/\xff.jpg'), 'it is bad'),
    RejectedImage('cat/\u00e9 \u732b.jpg', 'it is bad'),
  ]
  publishing.write_bad_images_list(rejected, str(tmp_path))
  lines = (tmp_path / 'bad_images.txt').read_bytes().decode().splitlines()
  assert lines == [
    'cat/a\\nb\\t\\x1b[31m.jpg\tit is bad',
    'cat/\\udcff.jpg\tit is bad',
    'cat/\u00e9 \u732b.jpg\tit is bad',
  ]
  message = str(publishing.bad_images_error(rejected))
  assert message.count('\n') == 4
  assert '\x1b' not in message
  message.encode()

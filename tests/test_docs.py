"""The documents: tables, links, paths, flags, spelling, and their commands."""

import functools
import itertools
import json
import os
import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from tests import conftest

_ROOT = conftest.ROOT
_DOCUMENTS = sorted(
  str(path.relative_to(_ROOT))
  for folder in ('.', 'docs', 'nets')
  for path in (_ROOT / folder).glob('*.md')
)
_NOTEBOOK = 'slim_walkthrough.ipynb'


class Block(NamedTuple):
  """Code in a document: its language, the text before it, the code."""

  language: str
  before: str
  code: str


def _read(document):
  return (_ROOT / document).read_text(encoding='utf-8')


def _blocks(document):
  """Returns the blocks of code, each with the paragraph that precedes it."""
  found = []
  text = _read(document)
  for match in re.finditer(r'^```(\w*)\n(.*?)^```$', text, re.M | re.S):
    paragraphs = re.split(r'\n\s*\n', text[: match.start()].rstrip())
    found.append(Block(match[1], paragraphs[-1], match[2]))
  return found


def _prose(document):
  """Returns the document without code, tables of which hold no links here."""
  if document.endswith('.ipynb'):
    cells = json.loads(_read(document))['cells']
    parts = [
      ''.join(c['source']) for c in cells if c['cell_type'] == 'markdown'
    ]
    return '\n\n'.join(parts)
  return re.sub(r'^```.*?^```$', '', _read(document), flags=re.M | re.S)


def _anchors(document):
  """Returns the anchors that GitHub, or Jupyter, gives to the headings."""
  headings = re.findall(r'^#+ (.*)$', _prose(document), re.M)
  if document.endswith('.ipynb'):
    return {heading.replace(' ', '-') for heading in headings}
  plain = (re.sub(r'[^\w\- ]', '', heading.lower()) for heading in headings)
  return {heading.replace(' ', '-') for heading in plain}


def test_tables_are_current(run_script):
  result = run_script('scripts/generate_docs.py', '--check')
  assert result.returncode == 0, result.stdout


@pytest.mark.parametrize('document', [*_DOCUMENTS, _NOTEBOOK])
def test_links_resolve(document):
  prose = re.sub(r'`[^`\n]*`', '', _prose(document))
  links = re.findall(r'\]\(([^)\s]+)\)', prose)
  links += re.findall(r'(?:href|src)="([^"]+)"', prose)
  broken = []
  for link in links:
    if re.match(r'https?://', link):
      continue
    target, _, anchor = link.partition('#')
    path = os.path.normpath(os.path.join(os.path.dirname(document), target))
    path = path if target else document
    if not (_ROOT / path).exists() or (anchor and anchor not in _anchors(path)):
      broken.append(link)
  assert broken == []


def _spelt_out(pattern):
  """Returns the paths that a pattern with {this,that} stands for."""
  parts = re.split(r'\{([^}]*)\}', pattern)
  choices = [
    part.split(',') if number % 2 else [part]
    for number, part in enumerate(parts)
  ]
  return [''.join(choice) for choice in itertools.product(*choices)]


@pytest.mark.parametrize('document', [*_DOCUMENTS, _NOTEBOOK])
def test_named_files_exist(document):
  folders = 'scripts|docs|nets|datasets|deployment|preprocessing|tests'
  named = re.findall(rf'`((?:{folders})/[\w./{{}},-]*)`', _prose(document))
  missing = [
    path
    for pattern in named
    if not re.search(r'[A-Z]{3}', pattern)  # FOLDER and MODULE stand for many
    for path in _spelt_out(pattern)
    if not (_ROOT / path).exists()
  ]
  assert missing == []


# Flags of other programs (absl, pip, TensorBoard, freeze_graph), and of all
# scripts alike.
_OTHERS = {
  'alsologtostderr',
  'flagfile',
  'help',
  'helpfull',
  'logdir',
  'input_binary',
  'input_checkpoint',
  'input_graph',
  'output_graph',
  'output_node_names',
  'version',
}


@functools.cache
def _known_flags():
  """Returns every flag of every script."""
  names = set(_OTHERS)
  scripts = [*_ROOT.glob('*.py'), *(_ROOT / 'scripts').rglob('*.py')]
  for script in scripts:
    if 'entry.run(main)' not in script.read_text(encoding='utf-8'):
      continue
    text = subprocess.run(
      [sys.executable, str(script), '--help'],
      capture_output=True,
      text=True,
      check=True,
    ).stdout
    names |= set(re.findall(r'^  --(\w+)', text, re.M))
  shell = (_ROOT / 'scripts').glob('*.sh')
  for script in [*shell, _ROOT / 'scripts/generate_docs.py']:
    names |= set(re.findall(r'--(\w+)', script.read_text(encoding='utf-8')))
  return names


# The table of differences names flags that only the original has.
_GONE = {'quantize'}


@pytest.mark.parametrize('document', [*_DOCUMENTS, _NOTEBOOK])
def test_named_flags_exist(document):
  named = re.findall(r'(?<![\w-])--(\w\w+)(?![\w-]*-)', _read(document))
  unknown = set(named) - _known_flags()
  for name in [*unknown]:
    if any(known.startswith(name) for known in _known_flags()):
      unknown.discard(name)  # a pattern such as --eval_*
  assert unknown <= _GONE


_MARK = r'<!-- run -->$|<!-- not run: .* -->$|\b[Nn]eeds?\b'


@pytest.mark.parametrize('document', _DOCUMENTS)
def test_commands_are_run_or_say_what_they_need(document):
  silent = [
    block.code
    for block in _blocks(document)
    if block.language == 'bash' and not re.search(_MARK, block.before)
  ]
  assert silent == []


def _checkout(folder):
  """Makes a folder that looks like the checkout, for what commands write."""
  folder.mkdir()
  for path in _ROOT.iterdir():
    if not path.name.startswith('.'):
      (folder / path.name).symlink_to(path)
  return folder


_RUNNERS = {
  'bash': ['bash', '-euo', 'pipefail', '-c'],
  'python': ['python', '-c'],
}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
  'document', [name for name in _DOCUMENTS if '<!-- run' in _read(name)]
)
def test_marked_commands_run(document, tmp_path):
  """In the order of the document, with /tmp replaced by a folder."""
  checkout = _checkout(tmp_path / 'checkout')
  folder = os.path.dirname(sys.executable)
  environment = {**os.environ, 'PATH': f'{folder}:{os.environ["PATH"]}'}
  environment.pop('TF_CPP_MIN_LOG_LEVEL', None)
  ran = 0
  for block in _blocks(document):
    if not re.search(r'<!-- run( python)? -->$', block.before):
      continue
    code = re.sub(r'/tmp\b', str(tmp_path), block.code)
    result = subprocess.run(
      [*_RUNNERS[block.language], code],
      cwd=checkout,
      env=environment,
      capture_output=True,
      text=True,
      timeout=300,
      check=False,
    )
    assert result.returncode == 0, f'{code}\n{result.stdout}{result.stderr}'
    assert 'Traceback' not in result.stderr
    ran += 1
  assert ran


def test_spelling():
  places = [*_DOCUMENTS, _NOTEBOOK, 'pyproject.toml', '.ci']
  places += [str(path.relative_to(_ROOT)) for path in _ROOT.glob('*.py')]
  places += ['nets', 'datasets', 'preprocessing', 'deployment', 'scripts']
  result = subprocess.run(
    [sys.executable, '-m', 'codespell_lib', *places, 'tests'],
    cwd=_ROOT,
    capture_output=True,
    text=True,
    check=False,
  )
  assert result.stdout == ''
  assert result.returncode == 0

"""Imports point one way, and the code keeps its measure."""

import ast
import io
import re
import subprocess
import sys
import tokenize

import pytest

from tests import conftest

_ROOT = conftest.ROOT
_BASE = {'tf_slim_compat', 'slim_errors'}
# Folder -> the folders and modules of this project that it may import.
_MAY_IMPORT = {
  'nets': {'nets', *_BASE},
  'datasets': {'datasets', *_BASE},
  'preprocessing': {'preprocessing', *_BASE},
  'deployment': {'deployment', 'nets', 'datasets', 'preprocessing', *_BASE},
}
_ENTRY_SCRIPTS = sorted(
  path.stem
  for path in _ROOT.glob('*.py')
  if 'cli.run(main)' in path.read_text(encoding='utf-8')
)
_OURS = {*_MAY_IMPORT, *_BASE, *_ENTRY_SCRIPTS, 'tests', 'scripts'}
_WITHOUT_TENSORFLOW = (
  'nets.nets_factory',
  'datasets.dataset_factory',
  'datasets.converters',
  'preprocessing.preprocessing_factory',
  'deployment.config',
  'deployment.label_config',
  'deployment.listings',
  'deployment.cli',
  'slim_errors',
)


def _python_files(*folders):
  return sorted(
    str(path.relative_to(_ROOT))
    for folder in folders
    for path in (_ROOT / folder).rglob('*.py')
  )


_LIBRARY = _python_files(*_MAY_IMPORT)
_ALL = [
  *_LIBRARY,
  *_python_files('scripts', 'tests'),
  *(path.name for path in _ROOT.glob('*.py')),
]


def _tree(path):
  return ast.parse((_ROOT / path).read_text(encoding='utf-8'))


def _imported(path):
  """Returns the first names of all modules that a file imports."""
  names = set()
  for node in ast.walk(_tree(path)):
    if isinstance(node, ast.Import):
      names |= {alias.name.split('.')[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
      assert node.level == 0, f'{path}: a relative import'
      names.add(node.module.split('.')[0])
  return names


def test_imports_point_one_way():
  wrong = {}
  for path in _LIBRARY:
    allowed = _MAY_IMPORT[path.split('/')[0]]
    wrong[path] = (_imported(path) & _OURS) - allowed
  assert {path: names for path, names in wrong.items() if names} == {}


def test_nobody_imports_entry_scripts_or_tests():
  wrong = {}
  for path in _ALL:
    allowed = {'tests'} if path.startswith('tests/') else set()
    wrong[path] = (_imported(path) & {*_ENTRY_SCRIPTS, 'tests'}) - allowed
  assert {path: names for path, names in wrong.items() if names} == {}


def test_base_modules_import_nothing_of_ours():
  for name in _BASE:
    assert _imported(f'{name}.py') & _OURS == set()


@pytest.mark.parametrize('folder', sorted(_MAY_IMPORT))
def test_packages_import_nothing_by_themselves(folder):
  nodes = _tree(f'{folder}/__init__.py').body
  assert all(isinstance(node, ast.Expr) for node in nodes)


def test_names_and_flags_need_no_tensorflow():
  code = (
    'import importlib, sys\n'
    f'for name in {_WITHOUT_TENSORFLOW}:\n'
    '  importlib.import_module(name)\n'
    '  assert "tensorflow" not in sys.modules, name\n'
  )
  subprocess.run([sys.executable, '-c', code], cwd=_ROOT, check=True)


def test_tensorflow_and_slim_come_in_by_one_door():
  """compat.v1 for TensorFlow; for slim the module that repairs it."""
  wrong = []
  for path in _LIBRARY:
    for node in ast.walk(_tree(path)):
      names = []
      if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
      if isinstance(node, ast.ImportFrom) and node.module == 'tf_slim':
        names = ['tf_slim']
      wrong += [(path, n) for n in names if n in ('tf_slim', 'tensorflow')]
  assert wrong == []


def _statement_lines(function):
  """Returns how many lines hold code: no docstring, comments, blank lines."""
  body = function.body
  if ast.get_docstring(function, clean=False) is not None:
    body = body[1:]
  return len(
    {
      line
      for statement in body
      for node in ast.walk(statement)
      if hasattr(node, 'lineno')
      for line in (node.lineno, node.end_lineno)
    }
  )


def test_functions_are_short():
  functions = (ast.FunctionDef, ast.AsyncFunctionDef)
  long = [
    f'{path}: {node.name} has {_statement_lines(node)} lines of code'
    for path in _LIBRARY
    for node in ast.walk(_tree(path))
    if isinstance(node, functions) and _statement_lines(node) > 40
  ]
  assert long == []


_UNFINISHED = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')


def _remarks(path):
  """Returns all comments and docstrings of a file."""
  source = (_ROOT / path).read_text(encoding='utf-8')
  documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
  return [
    token.string
    for token in tokenize.generate_tokens(io.StringIO(source).readline)
    if token.type == tokenize.COMMENT
  ] + [
    ast.get_docstring(node) or ''
    for node in ast.walk(ast.parse(source))
    if isinstance(node, documented)
  ]


def test_no_remark_speaks_of_unfinished_work():
  found = [
    (path, remark)
    for path in _ALL
    for remark in _remarks(path)
    if _UNFINISHED.search(remark)
  ]
  assert found == []

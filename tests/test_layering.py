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
_BASE = {'tf_slim_compat', 'slim_support'}
# Folder -> the folders and modules of this project that it may import.
_MAY_IMPORT = {
  'slim_support': {'slim_support'},
  'nets': {'nets', *_BASE},
  'datasets': {'datasets', *_BASE},
  'preprocessing': {'preprocessing', *_BASE},
  'deployment': {'deployment', 'nets', 'datasets', 'preprocessing', *_BASE},
}
# The rooms of deployment, from those that use the others to the ground. A room
# may import those that stand on later lines, besides itself.
_FLOORS = (
  ('roles',),
  ('labeling',),
  ('export',),
  ('training',),
  ('cluster', 'evaluation'),
  ('command_line',),
  ('inputs', 'checkpoints'),
  ('model_deploy',),
)
_FLOOR = {room: n for n, rooms in enumerate(_FLOORS) for room in rooms}
_ENTRY_SCRIPTS = sorted(
  path.stem
  for path in _ROOT.glob('*.py')
  if 'entry.run(main)' in path.read_text(encoding='utf-8')
)
_OURS = {*_MAY_IMPORT, *_BASE, *_ENTRY_SCRIPTS, 'tests', 'scripts'}
_WITHOUT_TENSORFLOW = (
  'nets.nets_factory',
  'datasets.dataset_factory',
  'datasets.converted',
  'datasets.conversion.registry',
  'preprocessing.preprocessing_factory',
  'deployment.checkpoints.download',
  'deployment.checkpoints.run_folder',
  'deployment.command_line.endings',
  'deployment.command_line.entry',
  'deployment.command_line.listings',
  'deployment.evaluation.config',
  'deployment.export.config',
  'deployment.labeling.config',
  'deployment.training.config',
  'slim_support.errors',
  'slim_support.files',
  'slim_support.json_files',
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


def _modules(path):
  """Returns the full names of all modules that a file imports."""
  names = set()
  for node in ast.walk(_tree(path)):
    if isinstance(node, ast.Import):
      names |= {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
      assert node.level == 0, f'{path}: a relative import'
      for alias in node.names:
        full = f'{node.module}.{alias.name}'
        is_module = (_ROOT / f'{full.replace(".", "/")}.py').exists()
        names.add(full if is_module else node.module)
  return names


def _imported(path):
  """Returns the first names of all modules that a file imports."""
  return {name.split('.')[0] for name in _modules(path)}


def test_imports_point_one_way():
  wrong = {}
  for path in _LIBRARY:
    allowed = _MAY_IMPORT[path.split('/')[0]]
    wrong[path] = (_imported(path) & _OURS) - allowed
  assert {path: names for path, names in wrong.items() if names} == {}


def _room(name):
  """Returns the room of deployment that a module is in, None for others."""
  parts = name.split('.')
  return parts[1] if parts[0] == 'deployment' and len(parts) > 1 else None


def test_rooms_of_deployment_import_downwards():
  wrong = []
  for path in _python_files('deployment'):
    here = _room(path.removesuffix('.py').replace('/', '.'))
    for there in {_room(name) for name in _modules(path)} - {None, here}:
      if here != '__init__' and _FLOOR[there] <= _FLOOR[here]:
        wrong.append((path, there))
  assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
  imports = {
    path.removesuffix('.py').replace('/', '.'): _modules(path)
    for path in _LIBRARY
  }
  imports = {name: found & {*imports} for name, found in imports.items()}
  while leaves := {name for name, found in imports.items() if not found}:
    imports = {
      name: found - leaves
      for name, found in imports.items()
      if name not in leaves
    }
  assert imports == {}


def test_top_floors_hold_few_modules():
  count = sum(
    len([*(_ROOT / folder).glob('*.py')])
    for folder in ('deployment', 'datasets')
  )
  assert count <= 30


def test_nobody_imports_entry_scripts_or_tests():
  wrong = {}
  for path in _ALL:
    allowed = {'tests'} if path.startswith('tests/') else set()
    if path == 'tests/test_programs.py':  # users' programs do that
      allowed |= {*_ENTRY_SCRIPTS}
    wrong[path] = (_imported(path) & {*_ENTRY_SCRIPTS, 'tests'}) - allowed
  assert {path: names for path, names in wrong.items() if names} == {}


def test_repairs_of_tf_slim_import_nothing_of_ours():
  assert _imported('tf_slim_compat.py') & _OURS == set()


# What only one module may do or name, as it stands in the code.
_OWNED = {
  'slim_support/files.py': ('os.replace',),
  'slim_support/locks.py': ('fcntl.flock',),
  'datasets/reading.py': (
    'tf.python_io.tf_record_iterator',
    'tf.io.tf_record_iterator',
    'tf.compat.v1.io.tf_record_iterator',
  ),
  'deployment/checkpoints/run_folder.py': ("'run.json'",),
  'datasets/converted.py': ("'dataset.json'",),
}


def test_each_thing_has_one_owner():
  owner_of = {call: path for path, calls in _OWNED.items() for call in calls}
  wrong = [
    (path, ast.unparse(node))
    for path in _LIBRARY
    for node in ast.walk(_tree(path))
    if isinstance(node, ast.Attribute | ast.Constant)
    and owner_of.get(ast.unparse(node), path) != path
  ]
  assert wrong == []


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


def _public_functions(path):
  """Yields the public functions of a module and the methods of its classes."""
  for node in _tree(path).body:
    inner = node.body if isinstance(node, ast.ClassDef) else [node]
    if getattr(node, 'name', '_').startswith('_'):
      continue
    for function in inner:
      if isinstance(function, ast.FunctionDef) and function.name[0] != '_':
        yield function


def test_arguments_of_public_functions_are_typed():
  """What they return is checked by the linter."""
  bare = []
  for path in _LIBRARY:
    for function in _public_functions(path):
      arguments = function.args
      for argument in (*arguments.args, *arguments.kwonlyargs):
        if not argument.annotation and argument.arg not in ('self', 'cls'):
          bare.append(f'{path}: {function.name}({argument.arg})')
  assert bare == []


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

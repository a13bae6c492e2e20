"""A LazyMap behaves as the dictionary of the values that it imports."""

import copy
import pickle
import subprocess
import sys

import pytest

from slim_support import errors, lazy_map
from tests import conftest

_NAMES = {'module': 'slim_support.errors', 'member': 'os.path:join'}


@pytest.fixture
def maps():
  import os.path

  return lazy_map.LazyMap(_NAMES), {'module': errors, 'member': os.path.join}


@pytest.mark.parametrize(
  'read',
  [
    dict,
    list,
    len,
    repr,
    copy.copy,
    lambda d: {**d},
    lambda d: d.copy(),
    lambda d: list(d.items()),
    lambda d: list(d.values()),
    lambda d: list(d.keys()),
    lambda d: [*reversed(d)],
    lambda d: ('module' in d, 'x' in d),
    lambda d: (d.get('module'), d.get('x'), d.get('x', 1)),
    lambda d: d | {'x': 1},
    lambda d: {'x': 1, 'module': 2} | d,
    lambda d: (d.pop('module'), d.pop('x', 3), list(d)),
    lambda d: (d.popitem(), list(d)),
    lambda d: (d.setdefault('module', 4), d.setdefault('x', 4), d['x']),
    lambda d: (d.update({'x': 1}, y=2), dict(d)),
    lambda d: (d.__ior__({'module': 1})['module'], d['member']),
    lambda d: (d.clear(), dict(d)),
    lambda d: sorted(d, key=str),
    lambda d: isinstance(d, dict),
  ],
)
def test_does_what_a_dictionary_does(maps, read):
  lazy, plain = maps
  assert read(lazy) == read(plain)


def test_equals_the_dictionary_and_can_be_pickled(maps):
  lazy, plain = maps
  assert lazy == plain
  assert plain == lazy
  assert lazy != {}
  del plain['module'], lazy['module']
  assert pickle.loads(pickle.dumps(lazy)) == plain


def test_what_is_set_is_kept(maps):
  lazy, plain = maps
  lazy['module'] = mine = object()
  assert lazy['module'] is mine
  assert not lazy.is_original('module')
  assert not lazy.is_original('unknown')
  assert lazy.is_original('member')
  lazy['module'] = plain['module']
  assert lazy.is_original('module')


def test_keys_import_nothing():
  code = (
    'import sys; from slim_support import lazy_map; '
    'm = lazy_map.LazyMap({"a": "wave"}); m["b"] = 1; '
    'assert [*m] == ["a", "b"] and "a" in m and len(m.keys()) == 2; '
    'assert "wave" not in sys.modules; m["a"]; assert "wave" in sys.modules'
  )
  subprocess.run([sys.executable, '-c', code], cwd=conftest.ROOT, check=True)


def test_a_missing_key_is_a_key_error(maps):
  with pytest.raises(KeyError):
    maps[0]['x']
  with pytest.raises(KeyError):
    maps[0].pop('x')

"""A dictionary whose values are imported when they are first asked for."""

import collections.abc
import importlib
from typing import Any, NamedTuple


class _Reference(NamedTuple):
  """A module, or a member of a module, that is imported when it is needed."""

  full_name: str

  def load(self) -> Any:
    """Return the module or the member."""
    module, _, member = self.full_name.partition(':')
    value = importlib.import_module(module)
    return getattr(value, member) if member else value


class LazyMap(dict):
  """A dictionary with values that are imported when they are asked for.

  Its keys can be listed and checked without importing what they stand for.
  Values that are set later are kept as they are. It behaves as a dictionary of
  the imported values otherwise.

  Args:
    full_names: key -> 'package.module', or 'package.module:member'.
  """

  def __init__(self, full_names: dict[str, str]):
    self._references = {
      key: _Reference(name) for key, name in full_names.items()
    }
    super().__init__(self._references)

  def is_original(self, key: str) -> bool:
    """Return whether the key is there with the value that it began with."""
    return isinstance(super().get(key), _Reference)

  def __getitem__(self, key):
    value = super().__getitem__(key)
    return value.load() if isinstance(value, _Reference) else value

  def __setitem__(self, key, value):
    reference = self._references.get(key)
    if reference is not None and reference.load() is value:
      value = reference
    super().__setitem__(key, value)

  # `dict` reads its own storage in what follows; it has to go by __getitem__.

  def __iter__(self):
    # Overridden so that dict(lazy_map) and {**lazy_map} go by __getitem__ too.
    return super().__iter__()

  def __eq__(self, other):
    return dict(self) == other

  def __ne__(self, other):
    return not self == other

  __hash__ = None

  def __or__(self, other):
    return dict(self) | other

  def __ror__(self, other):
    return other | dict(self)

  def __ior__(self, other):
    self.update(other)
    return self

  def __repr__(self):
    return repr(dict(self))

  def __reduce__(self):
    return dict, (dict(self),)

  def get(self, key: Any, default: Any = None) -> Any:
    """Return the value of the key, or the default."""
    return self[key] if key in self else default  # noqa: SIM401

  def items(self) -> collections.abc.ItemsView:
    """Return a view of the keys and values."""
    return collections.abc.ItemsView(self)

  def values(self) -> collections.abc.ValuesView:
    """Return a view of the values."""
    return collections.abc.ValuesView(self)

  def copy(self) -> dict:
    """Return a plain dictionary of the same keys and values."""
    return dict(self)

  def setdefault(self, key: Any, default: Any = None) -> Any:
    """Return the value of the key; set it to the default if there is none."""
    if key not in self:
      self[key] = default
    return self[key]

  def update(self, *args: Any, **kwargs: Any) -> None:
    """Set the keys and values of another dictionary, or of pairs."""
    for key, value in dict(*args, **kwargs).items():
      self[key] = value

  def pop(self, key: Any, *default: Any) -> Any:
    """Remove the key and return its value, or the default if there is none."""
    if key in self:
      value = self[key]
      del self[key]
      return value
    return super().pop(key, *default)

  def popitem(self) -> tuple[Any, Any]:
    """Remove the newest key and return it with its value."""
    key, value = super().popitem()
    return key, value.load() if isinstance(value, _Reference) else value

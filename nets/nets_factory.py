"""The networks by name, and the functions that build them.

    network_fn = nets_factory.get_network_fn('resnet_v1_50', num_classes=1000)
    logits, end_points = network_fn(images)

A network's code is imported when the network is asked for, so that names can be
listed and checked without TensorFlow. To add a network of your own at run time,
put its function into `networks_map`, and if it has one the function that makes
its arg scope into `arg_scopes_map`.

    python -m nets.nets_factory    # the pretrained models as a table
"""

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from nets.network_rows import NETWORK_ROWS, Network
from slim_support import errors, lazy_map

_NETWORKS = NETWORK_ROWS
NETWORKS = tuple(_NETWORKS)


def _networks_map():
  return lazy_map.LazyMap(
    {name: f'{row.module}:{row.function}' for name, row in _NETWORKS.items()}
  )


def _arg_scopes_map():
  return lazy_map.LazyMap(
    {
      name: ':'.join(row.arg_scope.rsplit('.', 1))
      for name, row in _NETWORKS.items()
    }
  )


# Name -> function that builds the network, and name -> function that makes its
# arg scope. `get_network_fn` reads them, so what is put in takes effect: a
# network of one's own, or another arg scope for one of these.
networks_map = _networks_map()
arg_scopes_map = _arg_scopes_map()

# What is known of a network that is in `networks_map` alone.
_UNKNOWN = Network(
  module='',
  arg_scope='',
  preprocessing=None,
  function='',
  parameters=None,
  multiply_adds=None,
  channels=None,
)


def networks() -> tuple[str, ...]:
  """Return the names of all networks, also of those added at run time."""
  return tuple(networks_map)


def network(name: str) -> Network:
  """Return the row of the network of that name.

  A network that was added to `networks_map` has a row that says what is known
  of it: the image size from the function's `default_image_size`, if any.

  Raises:
    UserError: if there is none.
  """
  if name not in networks_map:
    raise errors.unknown_name('network', name, networks_map)
  if networks_map.is_original(name):
    return _NETWORKS[name]
  function = networks_map[name]
  row = _NETWORKS.get(name, _UNKNOWN)
  return row._replace(
    module=function.__module__,
    function=getattr(function, '__name__', name),
    parameters=None,
    multiply_adds=None,
    image_size=getattr(function, 'default_image_size', row.image_size),
    smallest_image=1,
    checkpoints=(),
  )


def default_preprocessing() -> dict[str, str | None]:
  """Return the name of each network's preprocessing, None if it has none."""
  return {name: network(name).preprocessing for name in networks_map}


def _arg_scope(name: str, weight_decay: float, arguments: dict[str, Any]):
  """Return the arg scope of a network.

  Args:
    name: the network's name.
    weight_decay: weight of the L2 losses.
    arguments: further arguments of the function that makes the arg scope;
      'batch_norm_decay' goes by that name whatever the function calls it.
  """
  if name not in arg_scopes_map:
    with _slim().arg_scope([]) as unchanged:
      return unchanged
  arguments = dict(arguments)
  decay = arguments.pop('batch_norm_decay', None)
  decay_name = _batch_norm_decay_name(name)
  if decay is not None and decay_name:
    arguments[decay_name] = decay
  return arg_scopes_map[name](weight_decay=weight_decay, **arguments)


def _batch_norm_decay_name(name: str) -> str | None:
  """Return what a network's arg scope calls the decay of its batch norms."""
  own = _NETWORKS[name].batch_norm_decay if name in _NETWORKS else None
  if arg_scopes_map.is_original(name):
    return own
  taken = inspect.signature(arg_scopes_map[name]).parameters
  names = [own, 'batch_norm_decay', 'bn_decay']
  return next((name for name in names if name in taken), 'batch_norm_decay')


def _slim():
  """Return tf-slim, whose import imports TensorFlow."""
  return importlib.import_module('tf_slim_compat').slim


# How TensorFlow says that a layer cannot be applied to a map of some size: it
# is smaller than a kernel, or logits of larger images form a map.
_SIZE_ERRORS = ('Negative dimension size', 'Can not squeeze dim')


@contextlib.contextmanager
def _checking_image_size(name: str, row: Network, images: Any):
  """Name the size that a network needs if it cannot be built for the images."""
  try:
    yield
  except ValueError as error:
    if not str(error).startswith(_SIZE_ERRORS):
      raise
    height, width = images.shape.as_list()[1:3]
    size = f'{height or "?"} x {width or "?"}'
    least = row.smallest_image
    if height and width and min(height, width) < least:
      raise errors.UserError(
        f'Images of {size} pixels are too small: {name} needs {least} x '
        f'{least} or more.'
      ) from error
    raise errors.UserError(
      f'{name} cannot be built for images of {size} pixels; its own size is '
      f'{row.image_size} x {row.image_size}. ({errors.error_summary(error)})'
    ) from error


def get_network_fn(
  name: str,
  num_classes: int | None,
  weight_decay: float = 0.0,
  is_training: bool = False,
  **arg_scope_kwargs: Any,
) -> Callable:
  """Return the function that builds a network inside its arg scope.

  Args:
    name: the network's name, one of `networks()`.
    num_classes: number of classes; None or 0 leaves the classifier out of the
      networks that can do without it.
    weight_decay: weight of the L2 losses; 0 adds none.
    is_training: whether the network is built for training.
    **arg_scope_kwargs: further arguments of the network's arg scope.
      `batch_norm_decay` goes by that name for every network; None leaves the
      network's own, and one without batch norm ignores it.

  Returns:
    network_fn(images, **kwargs): images is a float [batch, height, width,
    channels] tensor, kwargs go to the network's own function; it returns
    (logits, end_points) as that does, or raises UserError if the images are too
    small. network_fn.default_image_size and network_fn.default_channels say
    what the images are like by default.

  Raises:
    UserError: if there is no network of that name.
  """
  row = network(name)
  function = networks_map[name]

  @functools.wraps(function)
  def network_fn(images, **kwargs):
    arg_scope = _arg_scope(name, weight_decay, arg_scope_kwargs)
    with _slim().arg_scope(arg_scope), _checking_image_size(name, row, images):
      return function(
        images, num_classes=num_classes, is_training=is_training, **kwargs
      )

  network_fn.default_image_size = row.image_size
  network_fn.default_channels = row.default_channels
  return network_fn


_COLUMNS = (
  '`--model_name`',
  'Checkpoint',
  'Image size',
  'Preprocessing',
  'Classes',
  '`--labels_offset`',
  'Parameters (M)',
  'MACs (M)',
  'Top-1',
  'Top-5',
)


def markdown_table() -> str:
  """Return the pretrained models as a Markdown table, one row each."""
  rows = [_COLUMNS, ('---',) * len(_COLUMNS)]
  for name, net in _NETWORKS.items():
    for checkpoint in net.checkpoints:
      rows.append(
        (
          f'`{name}`',
          f'[{checkpoint.archive}]({checkpoint.url})',
          checkpoint.image_size,
          checkpoint.preprocessing,
          net.classes,
          net.labels_offset,
          f'{net.parameters / 1e6:.2f}',
          checkpoint.mega_macs,
          checkpoint.top_1,
          checkpoint.top_5,
        )
      )
  return ''.join('| ' + ' | '.join(map(str, row)) + ' |\n' for row in rows)


if __name__ == '__main__':
  print(markdown_table(), end='')

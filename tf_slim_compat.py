"""Makes tf-slim 1.1.0 work on TensorFlow 2.21.

`from tf_slim_compat import slim` gives `tf_slim`, repaired. The last release
of tf-slim (2020) reads names that TensorFlow and tf-keras have moved since.
This module puts back what is missing and leaves alone what is there,
so a repaired tf-slim or an older TensorFlow is used as it is.
"""

import importlib
import sys


def _alias_legacy_layers():
  """Give tf_keras its `legacy_tf_layers` back.

  tf_slim.layers loads `tf_keras.legacy_tf_layers.normalization` and its
  siblings; the tf-keras wheels since 2.15 hold them as
  `tf_keras.src.legacy_tf_layers`.
  """
  try:
    importlib.import_module('tf_keras.legacy_tf_layers')
    return
  except ImportError:
    pass
  parent = importlib.import_module('tf_keras')
  package = importlib.import_module('tf_keras.src.legacy_tf_layers')
  parent.legacy_tf_layers = package
  sys.modules['tf_keras.legacy_tf_layers'] = package
  for name in ('base', 'convolutional', 'core', 'normalization', 'pooling'):
    module = importlib.import_module(f'{package.__name__}.{name}')
    sys.modules[f'tf_keras.legacy_tf_layers.{name}'] = module


# Where tf_slim looks, what it reads there, and the module that has it now:
# tensor types (is_training as a tensor, gradient clipping), stacking, and the
# control flow of the Example decoder and of the streaming metrics.
_MOVED = (
  ('framework.ops', 'Tensor', 'framework.tensor'),
  ('framework.ops', 'IndexedSlices', 'framework.indexed_slices'),
  ('ops.array_ops', 'stack', 'ops.array_ops_stack'),
  ('ops.array_ops', 'unstack', 'ops.array_ops_stack'),
  ('ops.control_flow_ops', 'Assert', 'ops.control_flow_assert'),
  ('ops.control_flow_ops', 'case', 'ops.control_flow_case'),
  ('ops.control_flow_ops', 'cond', 'ops.cond'),
  ('ops.control_flow_ops', 'while_loop', 'ops.while_loop'),
)


def _alias_moved_names():
  """Put names back into the TensorFlow modules that they moved from."""
  for old, name, new in _MOVED:
    module = importlib.import_module(f'tensorflow.python.{old}')
    if not hasattr(module, name):
      source = importlib.import_module(f'tensorflow.python.{new}')
      setattr(module, name, getattr(source, name))


_alias_legacy_layers()
_alias_moved_names()

import tf_slim as slim  # noqa: E402  (only now can it be imported whole)

__all__ = ['slim']

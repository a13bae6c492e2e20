"""tf-slim 1.1.0 on its feet on TensorFlow 2.21.

`from tf_slim_compat import slim` gives `tf_slim`, repaired. The last release
of tf-slim (2020) reads three names that TensorFlow and tf-keras have moved
since. This module puts back what is missing and leaves alone what is there,
so a repaired tf-slim or an older TensorFlow is used as it is.
"""

import importlib
import sys

from tensorflow.python.framework import indexed_slices, ops, tensor


def _alias_legacy_layers():
  """Gives tf_keras its `legacy_tf_layers` back.

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


def _alias_framework_types():
  """Gives `ops` the tensor types that moved to modules of their own (2.14).

  tf_slim reads `ops.Tensor` (is_training as a tensor) and `ops.IndexedSlices`
  (gradient clipping and multipliers).
  """
  for name, module in (('Tensor', tensor), ('IndexedSlices', indexed_slices)):
    if not hasattr(ops, name):
      setattr(ops, name, getattr(module, name))


_alias_legacy_layers()
_alias_framework_types()

import tf_slim as slim  # noqa: E402  (only now can it be imported whole)

__all__ = ['slim']

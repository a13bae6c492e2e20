"""Which variables --trainable_scopes and --checkpoint_exclude_scopes select."""

import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import scopes
from slim_support import errors

_NAMES = ('Net/Mixed_7a/w', 'Net/Mixed_7b/w', 'Net/Mixed_7c/w', 'Net/Logits/w')


@pytest.fixture
def variables():
  return [tf.get_variable(name, [1]) for name in _NAMES]


@pytest.mark.parametrize(
  ('patterns', 'expected'),
  [
    (['Net/Log'], [3]),
    (['Net/Mixed_7[bc]'], [1, 2]),
    (['Net/Logits', 'Net/Mixed_7a'], [0, 3]),
    (['Net', 'Net/Logits'], [0, 1, 2, 3]),
    (['.*7b'], [1]),
    (['Net/Logits/w:0'], [3]),
    (['Net/Logits/w$'], [3]),
  ],
)
def test_trainable_scopes_are_patterns(variables, patterns, expected):
  found = scopes.trainable(patterns, variables)
  assert [v.op.name for v in found] == [_NAMES[i] for i in expected]


@pytest.mark.parametrize('pattern', ['Mixed_7a', 'Net/Logit5', 'Logits'])
def test_pattern_that_matches_nothing(variables, pattern):
  with pytest.raises(errors.UserError, match='begins with .*Net'):
    scopes.trainable([pattern], variables)


def test_near_names_are_suggested(variables):
  with pytest.raises(errors.UserError, match='mean Net/Logits'):
    scopes.trainable(['Net/Logit5'], variables)


@pytest.mark.parametrize('pattern', ['Net/Mixed_7[bc', '*', 'Net/(', '+'])
def test_pattern_that_is_no_regular_expression(variables, pattern):
  with pytest.raises(errors.UserError, match='not a regular expression'):
    scopes.trainable([pattern], variables)


def test_excluded_scopes_are_plain_beginnings(variables):
  found = scopes.excluded(['Net/Mixed_7', 'Net/Logits'], variables)
  assert [len(some) for some in found.values()] == [3, 1]
  with pytest.raises(errors.UserError, match='exclude_scopes: no variable'):
    scopes.excluded(['Net/Mixed_7[bc]'], variables)

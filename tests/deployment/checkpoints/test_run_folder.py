"""run.json: whatever it holds, its readers answer or say what is damaged."""

import json

import hypothesis
import pytest
from hypothesis import strategies as st

from deployment.checkpoints import run_folder
from deployment.training.config import TrainConfig
from slim_support import errors

_GOOD = {
  'flags': {'model_name': 'lenet', 'dataset_name': 'digits', 'batch_size': 8},
  'num_classes': 2,
  'channels': 1,
  'class_names': {'0': 'a', '1': 'b'},
}
_VALUES = st.recursive(
  st.none() | st.booleans() | st.integers() | st.text(max_size=4)
  | st.floats(allow_nan=False, allow_infinity=False),
  lambda inner: st.lists(inner, max_size=3)
  | st.dictionaries(st.sampled_from([*_GOOD, '0', '--5', '²']), inner),
  max_leaves=6,
)  # fmt: skip


def read_all(folder):
  """Calls everything that reads run.json."""
  config = TrainConfig(
    train_dir=str(folder), model_name='lenet', dataset_name='digits'
  )
  run_folder.read_run(str(folder))
  run_folder.recorded_flags(str(folder))
  run_folder.check_same_run(config, 2, 1, {0: 'a', 1: 'b'})
  return run_folder.changed_flags(config)


@hypothesis.given(
  name=st.sampled_from([*_GOOD, 'model_name', 'preprocessing_name']),
  value=_VALUES,
)
@hypothesis.settings(
  max_examples=150, deadline=None,
  suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_any_value_in_any_place(tmp_path, name, value):
  content = json.loads(json.dumps(_GOOD))
  (content if name in _GOOD else content['flags'])[name] = value
  (tmp_path / 'run.json').write_text(json.dumps(content))
  said = str(tmp_path)
  try:
    read_all(tmp_path)
  except errors.UserError as error:
    said = str(error)
  assert str(tmp_path) in said


@pytest.mark.parametrize(
  'content', ['', '{', '[]', '{}', 'null', '\x00', '{"flags": {}}', '[' * 9999]
)
def test_damaged_file_is_one_sentence(tmp_path, content):
  (tmp_path / 'run.json').write_text(content)
  with pytest.raises(errors.UserError, match=r'run\.json is damaged'):
    read_all(tmp_path)


def test_changed_flags(tmp_path):
  (tmp_path / 'run.json').write_text(json.dumps(_GOOD))
  assert read_all(tmp_path) == ['--batch_size=32 (was 8)']


def test_two_classes_of_one_name(tmp_path):
  names = {0: 'a', 1: 'a'}
  content = _GOOD | {'class_names': {str(k): v for k, v in names.items()}}
  (tmp_path / 'run.json').write_text(json.dumps(content))
  config = TrainConfig(
    train_dir=str(tmp_path), model_name='lenet', dataset_name='digits'
  )
  run_folder.check_same_run(config, 2, 1, names)

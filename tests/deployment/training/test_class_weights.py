"""Class weights from the counts of a data set and from a file."""

import pytest

from datasets import converted
from deployment.training import class_weights
from deployment.training.config import TrainConfig
from slim_support import errors


def options(folder, weights, **changes):
  return TrainConfig(
    dataset_name='digits', dataset_dir=str(folder), class_weights=weights,
    **changes,
  )  # fmt: skip


def write_counts(folder, counts):
  content = {
    'format_version': converted.FORMAT_VERSION,
    'name': 'digits',
    'num_classes': len(counts),
    'splits': {
      'train': {
        'num_samples': sum(counts.values()),
        'samples_per_class': counts,
        'shards': [],
      }
    },
  }
  converted.write_metadata(content, str(folder))


def test_none_by_default(tmp_path):
  assert class_weights.read(options(tmp_path, None), 10) is None


def test_balanced_counts_every_class_the_same(tmp_path):
  write_counts(tmp_path, {'0': 10, '1': 30, '2': 0})
  found = class_weights.read(options(tmp_path, 'balanced'), 3)
  assert found == pytest.approx([2.0, 2 / 3, 0.0])


def test_balanced_with_labels_offset(tmp_path):
  write_counts(tmp_path, {'0': 0, '1': 10, '2': 30})
  config = options(tmp_path, 'balanced', labels_offset=1)
  assert class_weights.read(config, 2) == pytest.approx([2.0, 2 / 3])


def test_file(tmp_path):
  path = tmp_path / 'weights.txt'
  path.write_text('0:0.5\n1:2\n')
  assert class_weights.read(options(tmp_path, str(path)), 2) == [0.5, 2.0]


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ('0:1\n', 'label 1 has no line'),
    ('0:1\n1:2\n2:3\n', 'there is no label 2'),
    ('0:1\n1:2\n-1:3\n', 'there is no label -1'),
    ('0:1\n1:heavy\n', "label 1 must be a finite .*'heavy'"),
    ('0:1\n1:-1\n', "label 1 must be a finite .*'-1'"),
    ('0:1\n1:inf\n', "label 1 must be a finite .*'inf'"),
    ('0:nan\n1:1\n', "label 0 must be a finite .*'nan'"),
    ('0:0\n1:0\n', 'all weights are 0'),
    ('0:1\n1:2\n1:3\n', 'label 1 is on an earlier line too'),
    ('one\n', 'line 1: expected'),
    ('', 'label 0 has no line'),
  ],
)
def test_file_that_does_not_fit(tmp_path, content, message):
  path = tmp_path / 'weights.txt'
  path.write_text(content)
  with pytest.raises(errors.UserError, match=message):
    class_weights.read(options(tmp_path, str(path)), 2)


def test_neither_balanced_nor_a_file(tmp_path):
  with pytest.raises(errors.UserError, match="must be 'balanced', or a file"):
    class_weights.read(options(tmp_path, 'balancd'), 2)


def test_balanced_without_counts(tmp_path):
  with pytest.raises(errors.UserError, match='Convert the data set again'):
    class_weights.read(options(tmp_path, 'balanced'), 2)


def test_balanced_without_any_label_of_the_network(tmp_path):
  write_counts(tmp_path, {'0': 10, '1': 0})
  config = options(tmp_path, 'balanced', labels_offset=1)
  with pytest.raises(errors.UserError, match='no image'):
    class_weights.read(config, 1)

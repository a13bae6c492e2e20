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


@pytest.mark.parametrize('content', ['0:1\n', '0:1\n1:heavy\n'])
def test_file_that_does_not_fit(tmp_path, content):
  path = tmp_path / 'weights.txt'
  path.write_text(content)
  with pytest.raises(errors.UserError, match='LABEL:WEIGHT'):
    class_weights.read(options(tmp_path, str(path)), 2)


def test_neither_balanced_nor_a_file(tmp_path):
  with pytest.raises(errors.UserError, match="say 'balanced' or a file"):
    class_weights.read(options(tmp_path, 'balancd'), 2)


def test_balanced_without_counts(tmp_path):
  with pytest.raises(errors.UserError, match='Convert the data set again'):
    class_weights.read(options(tmp_path, 'balanced'), 2)

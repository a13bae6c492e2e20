"""scripts/download_checkpoint.py: flags, and what it prints."""

import pytest

from nets.pretrained import CHECKPOINTS

_RELEASED = [one for released in CHECKPOINTS.values() for one in released]
_SCRIPT = 'scripts/download_checkpoint.py'


@pytest.mark.parametrize(
  ('flags', 'reason'),
  [
    ([], '--model_name is missing'),
    (['--model_name=inception_v5'], 'Did you mean'),
    (['--model_name=lenet'], 'Known:'),
    (['--model_name=mobilenet_v1', '--image_size=100'], '224, 192, 160, 128'),
    (['--model_name=vgg_16', '--output_dir=/dev/null'], '--output_dir'),
    (['--model_name=vgg_16', '--checkpoint_dir=/dev/null'], '--checkpoint_dir'),
    (['--checkpoint_dir=a', '--output_dir=b'], 'Use either'),
  ],
)
def test_wrong_flags_are_refused(run_script, flags, reason):
  result = run_script(_SCRIPT, *flags)
  assert result.returncode == 1
  assert reason in result.stderr
  assert 'Traceback' not in result.stderr


def test_list(run_script):
  result = run_script(_SCRIPT, '--list')
  assert result.returncode == 0
  assert len(result.stdout.splitlines()) == 1 + len(_RELEASED)
  for one in _RELEASED:
    assert one.archive in result.stdout


def test_checkpoints_are_addressed_by_https():
  assert all(one.url.startswith('https://') for one in _RELEASED)


def test_known_checksums_belong_to_released_archives():
  known = [one for one in _RELEASED if one.checksum]
  assert len(known) == 8
  for one in known:
    assert len(bytes.fromhex(one.checksum)) in (32, 48)
    assert one.size > 1_000_000

"""Bad targets crossed with every flag that names an output.

What cannot be written is said in a sentence, and what stood there before still
stands there.
"""

import os
import stat

import pytest

_SMALL = ['--dataset_name=digits', '--dataset_dir={data}']
# Flag -> the command that writes what it names. A flag that ends in _dir names
# a folder.
_WRITERS = {
  'dataset_dir': ['download_and_convert_data.py', '--dataset_name=digits'],
  'train_dir': ['train_image_classifier.py', *_SMALL, '--model_name=lenet',
                '--batch_size=2', '--max_number_of_steps=1'],
  'cache_dir': ['train_image_classifier.py', *_SMALL, '--model_name=lenet',
                '--batch_size=2', '--max_number_of_steps=1',
                '--train_dir={work}/train', '--cache_dataset=disk'],
  'eval_dir': ['eval_image_classifier.py', *_SMALL, '--max_num_batches=1',
               '--checkpoint_path={run}'],
  'predictions_file': ['eval_image_classifier.py', *_SMALL,
                       '--max_num_batches=1', '--checkpoint_path={run}',
                       '--eval_dir={work}/eval'],
  'output_file': ['export_inference_graph.py', '--model_name=lenet',
                  '--dataset_name=digits'],
  'frozen_file': ['export_inference_graph.py', '--checkpoint_path={run}'],
  'saved_model_dir': ['export_inference_graph.py', '--checkpoint_path={run}'],
  'tflite_file': ['export_inference_graph.py', '--checkpoint_path={run}'],
  'sheet': ['scripts/show_dataset.py', *_SMALL, '--split=test'],
  'output_dir': ['scripts/extract_image.py', *_SMALL],
  'plot:output_file': ['scripts/plot_training.py', '--train_dir={run}'],
}  # fmt: skip


def _fifo(path):
  os.mkfifo(path)
  return path


def _file(path):
  path.write_text('precious')
  return path


def _folder(path):
  path.mkdir()
  (path / 'precious').write_text('precious')
  return path


def _loop(path):
  path.symlink_to(path)
  return path


def _device(number):
  def make(path):
    os.mknod(path, 0o666 | stat.S_IFCHR, number)
    return path

  return make


_TARGETS = {
  'pipe': _fifo,
  'null': _device(os.makedev(1, 3)),
  'full': _device(os.makedev(1, 7)),
  'link to itself': _loop,
  'below a file': lambda path: _file(path) / 'x.png',
  'read-only file system': lambda path: type(path)('/proc/x/y.png'),
  'file': _file,
  'folder': _folder,
}
# What is no fault for a folder and for a file.
_FINE = {'_dir': {'folder'}, '': {'file'}}


def _kind(path):
  status = os.lstat(path)
  return stat.S_IFMT(status.st_mode), status.st_rdev


def _run(runner, writer, target, tmp_path, places):
  """Returns what is wrong with the end of a command with a bad target."""
  path = tmp_path / 'target.png'
  given = _TARGETS[target](path)
  before = _kind(path) if os.path.lexists(path) else None
  work = tmp_path / 'work'
  work.mkdir()
  script, *flags = _WRITERS[writer]
  flags = [flag.format(work=work, **places) for flag in flags]
  flags.append(f'--{writer.rpartition(":")[2]}={given}')
  suffix = '_dir' if writer.endswith('_dir') else ''
  fine = target in _FINE[suffix] and writer != 'saved_model_dir'
  done = runner.run(script, *flags, cwd=work)
  fault = done.fault((0, 1) if fine else (1,))
  if not fault and before and _kind(path) != before:
    fault = f'the target was replaced: {done.command}'
  if not fault and target == 'folder':
    assert (path / 'precious').read_text() == 'precious', done.command
  return fault


@pytest.fixture
def places(digits_dir, trained):
  return {'data': digits_dir, 'run': trained}


_IS_ROOT = pytest.mark.skipif(
  not hasattr(os, 'geteuid') or os.geteuid() != 0,
  reason='device files are made by root only',
)


@_IS_ROOT
@pytest.mark.slow
@pytest.mark.parametrize('target', [*_TARGETS])
@pytest.mark.parametrize('writer', [*_WRITERS])
def test_bad_target_is_said_in_a_sentence(
  runner, writer, target, tmp_path, places
):
  assert _run(runner, writer, target, tmp_path, places) is None

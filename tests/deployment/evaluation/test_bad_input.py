"""Evaluation with bad flags, checkpoints, results and places to write."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import locate, repair
from deployment.evaluation import best_checkpoint, evaluate, history, results
from deployment.evaluation.config import EvalConfig
from nets import nets_factory
from slim_support import errors, files


def _save(folder, step=3, changes=None):
  """Writes a checkpoint of LeNet; `changes` maps variables to functions."""
  changes = changes or {}
  with tf.Graph().as_default(), tf.Session() as session:
    tf.set_random_seed(1)
    images = tf.placeholder(tf.float32, [None, 28, 28, 1])
    nets_factory.get_network_fn('lenet', 10)(images)
    tf.train.create_global_step()
    session.run(tf.global_variables_initializer())
    for variable in tf.global_variables():
      if variable.op.name in changes:
        value = changes[variable.op.name](session.run(variable))
        variable.load(value, session)
    tf.train.get_global_step().load(step, session)
    return tf.train.Saver().save(
      session, os.path.join(folder, 'model.ckpt'), global_step=step
    )


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
  return _save(str(tmp_path_factory.mktemp('checkpoint')))


@pytest.fixture
def run(digits_dir, checkpoint, tmp_path):
  """Evaluates a little, with other flags where they are given."""

  def evaluated(**changes):
    flags = {
      'dataset_name': 'digits',
      'dataset_dir': digits_dir,
      'model_name': 'lenet',
      'checkpoint_path': checkpoint,
      'eval_dir': str(tmp_path / 'eval'),
      'batch_size': 20,
      'max_num_batches': 1,
      **changes,
    }
    return evaluate.evaluate(EvalConfig(**flags))

  return evaluated


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    ({'all_checkpoints': True, 'eval_interval_secs': 1}, 'Use one of them'),
    ({'eval_timeout_secs': 3}, 'no effect without --eval_interval_secs'),
    ({'quantize': True}, '--tflite_quantize=int8'),
    ({'labels_offset': 10}, 'must be less than 10'),
    ({'labels_offset': -1}, 'at least 0'),
    ({'eval_dir': ''}, '--eval_dir is missing'),
    ({'eval_interval_secs': 1, 'checkpoint_path': __file__}, 'is a file'),
    ({'all_checkpoints': True, 'checkpoint_path': __file__}, 'not a folder'),
  ],
)
def test_flags_that_cannot_work(run, flags, message):
  with pytest.raises(errors.UserError, match=message):
    run(**flags)


def test_zero_batches_are_the_whole_split(run):
  assert run(max_num_batches=0, batch_size=297)['images'] == 297


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(run, tmp_path, value):
  def spoil(weights):
    weights.flat[7] = value
    return weights

  prefix = _save(str(tmp_path), changes={'LeNet/fc3/weights': spoil})
  run(eval_dir=str(tmp_path / 'eval'))
  before = (tmp_path / 'eval' / 'metrics.json').read_bytes()
  with pytest.raises(errors.UserError, match='LeNet/fc3/weights holds') as info:
    run(checkpoint_path=prefix)
  assert prefix in str(info.value)
  assert (tmp_path / 'eval' / 'metrics.json').read_bytes() == before
  assert len(history.read(str(tmp_path / 'eval'))) == 1


def test_scores_that_are_not_finite(run, tmp_path):
  path = tmp_path / 'predictions.csv'
  prefix = _save(
    str(tmp_path),
    changes={
      name: lambda weights: np.full_like(weights, 1e30)
      for name in ('LeNet/fc3/weights', 'LeNet/fc4/weights')
    },
  )
  with pytest.raises(errors.UserError, match='image 0 scores that are NaN'):
    run(checkpoint_path=prefix, predictions_file=str(path))
  assert os.listdir(tmp_path / 'eval') == []
  assert not path.exists()


def test_half_written_predictions_do_not_replace_old_ones(
  run, tmp_path, monkeypatch
):
  path = tmp_path / 'predictions.csv'
  path.write_text('old')
  batches = evaluate.Evaluator.batches

  def interrupted(evaluator, session):
    yield next(batches(evaluator, session))
    raise KeyboardInterrupt

  monkeypatch.setattr(evaluate.Evaluator, 'batches', interrupted)
  with pytest.raises(KeyboardInterrupt):
    run(predictions_file=str(path))
  assert path.read_text() == 'old'
  assert sorted(os.listdir(tmp_path)) == ['eval', 'predictions.csv']


@pytest.mark.parametrize('name', results.FILES)
@pytest.mark.parametrize('kind', ['pipe', 'folder', 'device'])
def test_results_that_cannot_be_written(run, tmp_path, monkeypatch, name, kind):
  (tmp_path / 'eval').mkdir()
  path = tmp_path / 'eval' / name
  if kind == 'pipe':
    os.mkfifo(path)
  elif kind == 'folder':
    path.mkdir()
  else:
    path.symlink_to('/dev/full')
  monkeypatch.setattr(evaluate, 'Evaluator', None)
  with pytest.raises(errors.UserError, match='Name a (regular )?file'):
    run()
  assert os.path.lexists(path)
  assert not path.is_file()


@pytest.mark.parametrize(
  ('place', 'message'),
  [
    ('eval/metrics.json', 'another result'),
    ('CHECKPOINT.index', 'a checkpoint'),
    ('DATA/labels.txt', 'the data set'),
    ('DATA/digits_test.tfrecord', 'the data set'),
  ],
)
def test_predictions_in_place_of_an_input(
  run, tmp_path, digits_dir, checkpoint, place, message
):
  place = place.replace('CHECKPOINT', checkpoint)
  path = tmp_path / place.replace('DATA', digits_dir)
  if not path.exists() and 'tfrecord' in place:
    (path,) = path.parent.glob('*test*')
  before = path.read_bytes() if path.exists() else None
  with pytest.raises(errors.UserError, match=message):
    run(predictions_file=str(path))
  assert (path.read_bytes() if path.exists() else None) == before


@contextlib.contextmanager
def _largest_file(size):
  """Lets this process write files up to a size only, as on a full disk."""
  old = resource.getrlimit(resource.RLIMIT_FSIZE)
  handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
  resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
  try:
    yield
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, old)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize('size', [100, 30_000])
def test_disk_that_is_full(run, tmp_path, size):
  """Whatever fits last, files are whole, and the old ones stay."""
  run(predictions_file=str(tmp_path / 'predictions.csv'))
  with _largest_file(size), pytest.raises(errors.UserError, match='cannot be'):
    run(predictions_file=str(tmp_path / 'predictions.csv'))
  eval_dir = tmp_path / 'eval'
  assert json.loads((eval_dir / 'metrics.json').read_text())['images'] == 20
  rows = (tmp_path / 'predictions.csv').read_text().splitlines()
  assert len(rows) == 21
  assert len(history.read(str(eval_dir))) == 1
  assert repair.is_readable(locate.resolve(str(eval_dir / 'best')))
  assert not [*tmp_path.rglob('*.tmp*')]


def test_full_file_system(run, tmp_path):
  small = tmp_path / 'small'
  small.mkdir()
  command = ['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', str(small)]
  try:
    mounted = subprocess.run(command, capture_output=True, check=False)
  except FileNotFoundError:
    pytest.skip('there is no mount')
  if mounted.returncode:
    pytest.skip('only root mounts file systems')
  try:
    with pytest.raises(errors.UserError, match='[Nn]o space left'):
      run(eval_dir=str(small / 'eval'))
  finally:
    tf.summary.FileWriterCache.clear()
    subprocess.run(['umount', '-l', str(small)], check=True)


def _best(eval_dir):
  return locate.resolve(os.path.join(eval_dir, 'best'))


def _weights(prefix):
  return locate.reader(prefix).get_tensor('LeNet/fc4/biases')


@pytest.mark.parametrize('same_name', [False, True])
def test_kill_while_best_is_replaced(tmp_path, monkeypatch, same_name):
  """After any number of writes there is a readable best checkpoint."""
  prefixes = []
  for number in (1, 2):
    folder = tmp_path / f'run-{number}'
    shift = {'LeNet/fc4/biases': lambda b, number=number: b + number}
    step = 5 if same_name else number
    prefixes.append(_save(str(folder), step, shift))
    (folder / 'run.json').write_text('{}')
  values = {tuple(_weights(prefix)) for prefix in prefixes}
  calls = ('copy', 'remove')
  for stop in range(12):
    eval_dir = str(tmp_path / f'eval-{stop}')
    best_checkpoint.keep(eval_dir, prefixes[0])
    done = []

    def counted(name, real, stop=stop, done=done):
      def call(*arguments):
        if len(done) == stop:
          raise KeyboardInterrupt
        done.append(name)
        return real(*arguments)

      return call

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
      for name in calls:
        patch.setattr(files, name, counted(name, getattr(files, name)))
      best_checkpoint.keep(eval_dir, prefixes[1])
    assert tuple(_weights(_best(eval_dir))) in values
    best_checkpoint.keep(eval_dir, prefixes[1])
    assert tuple(_weights(_best(eval_dir))) == tuple(_weights(prefixes[1]))
    assert len(locate.prefixes(os.path.join(eval_dir, 'best'))) == 1
  assert len(values) == 2


def test_best_again_is_not_copied_again(checkpoint, tmp_path):
  eval_dir = str(tmp_path)
  best_checkpoint.keep(eval_dir, checkpoint)
  before = {path: path.stat().st_ino for path in (tmp_path / 'best').iterdir()}
  best_checkpoint.keep(eval_dir, checkpoint)
  after = {path: path.stat().st_ino for path in (tmp_path / 'best').iterdir()}
  assert before == after


def test_gpu_memory_growth(run, monkeypatch):
  monkeypatch.setenv('TF_FORCE_GPU_ALLOW_GROWTH', 'false')
  run(gpu_memory_growth=True)
  assert os.environ['TF_FORCE_GPU_ALLOW_GROWTH'] == 'true'


def test_read_only_eval_dir_of_another_user(run, tmp_path):
  if os.geteuid() == 0:
    pytest.skip('root writes everywhere')
  (tmp_path / 'eval').mkdir(mode=0o500)
  with pytest.raises(errors.UserError, match='--eval_dir'):
    run()


def test_damaged_checkpoint(run, checkpoint, tmp_path):
  folder = shutil.copytree(os.path.dirname(checkpoint), tmp_path / 'copy')
  (data,) = folder.glob('*.data-*')
  data.write_bytes(data.read_bytes()[:1000])
  with pytest.raises(errors.UserError, match='is damaged'):
    run(checkpoint_path=str(folder))

"""Exports that collide, that replace an input, or whose disk is full."""

import os
import resource
import signal
import subprocess

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import nets_factory
from slim_support import errors
from tests.deployment import export_helpers


@pytest.fixture(scope='module')
def lenet(tmp_path_factory):
  """The prefix of a checkpoint of LeNet."""
  prefix, _ = export_helpers.checkpoint('lenet', tmp_path_factory.mktemp('run'))
  return prefix


_FLAGS = ('output_file', 'frozen_file', 'tflite_file')


@pytest.mark.parametrize(
  'paths',
  [
    {'output_file': 'a', 'frozen_file': 'a'},
    {'output_file': 'a', 'frozen_file': './b/../a'},
    {'output_file': 'a', 'frozen_file': 'a.json'},
    {'frozen_file': 'a.json', 'tflite_file': 'a'},
    {'frozen_file': 'a/b', 'saved_model_dir': 'a'},
    {'tflite_file': 'a', 'saved_model_dir': 'a/b'},
    {'saved_model_dir': 'a', 'tflite_file': 'a'},
    {'output_file': 'a', 'frozen_file': 'link'},
  ],
)
def test_outputs_that_collide(lenet, tmp_path, paths):
  (tmp_path / 'link').symlink_to(tmp_path / 'a')
  paths = {flag: os.path.join(tmp_path, path) for flag, path in paths.items()}
  before = [*tmp_path.rglob('*')]
  with pytest.raises(errors.UserError, match='--'):
    export_helpers.export(checkpoint_path=lenet, **paths)
  files = [path for path in tmp_path.rglob('*') if path.is_file()]
  assert [path for path in files if path not in before] == []


@pytest.mark.parametrize('flag', _FLAGS)
@pytest.mark.parametrize(
  'path', ['{}.index', '{}.data-00000-of-00001', '{folder}/checkpoint',
           '{folder}/run', '{data}/labels.txt', '{data}/dataset'],
)  # fmt: skip
def test_inputs_are_kept(lenet, digits_dir, flag, path):
  folder = os.path.dirname(lenet)
  with open(os.path.join(folder, 'run.json'), 'w', encoding='utf-8') as file:
    file.write('{"flags": {}, "num_classes": 10}')
  before = {
    name: (os.stat(os.path.join(place, name)).st_ino)
    for place in (folder, digits_dir)
    for name in os.listdir(place)
  }
  path = path.format(lenet, folder=folder, data=digits_dir)
  with pytest.raises(errors.UserError, match=f'--{flag}'):
    export_helpers.export(
      checkpoint_path=lenet, dataset_dir=digits_dir, **{flag: path}
    )
  after = {
    name: (os.stat(os.path.join(place, name)).st_ino)
    for place in (folder, digits_dir)
    for name in os.listdir(place)
  }
  assert after == before


def test_exporting_again_replaces(lenet, tmp_path):
  path = str(tmp_path / 'frozen.pb')
  for _ in range(2):
    export_helpers.export(checkpoint_path=lenet, frozen_file=path)
  assert sorted(os.listdir(tmp_path)) == ['frozen.pb', 'frozen.pb.json']


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'tflite_quantize': 'float16'}, 'no effect without --tflite_file'),
    ({'write_text_graphdef': True}, 'no effect without --output_file'),
    ({'verify_images': 5}, 'no effect without --verify'),
    ({'calibration_images': 5}, 'no effect without --tflite_quantize=int8'),
    ({'verify': True}, 'there is nothing to check'),
    ({'is_training': True, 'moving_average_decay': 0.9}, 'is for inference'),
    ({'verify_images': 10**9}, 'at most 50000'),
    ({'quantize': True}, '--tflite_quantize=int8'),
    ({'is_video_model': True}, 'video networks'),
  ],
)
def test_flags_without_effect(values, message):
  with pytest.raises(errors.UserError, match=message):
    export_helpers.options(checkpoint_path='c', **values)


def test_late_flags_of_the_original(tmp_path):
  export_helpers.export(
    output_file=str(tmp_path / 'graph.pb'),
    quantize=False,
    is_video_model=False,
    num_frames=16,
    use_grayscale=False,
  )


def test_batch_that_fits_no_memory(lenet, tmp_path):
  with pytest.raises(errors.UserError, match='needs .* GiB. Use --batch_size='):
    export_helpers.export(
      checkpoint_path=lenet,
      batch_size=900_000,
      frozen_file=str(tmp_path / 'frozen.pb'),
    )
  assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('offset', [10, 11])
def test_labels_offset_that_leaves_no_class(tmp_path, offset):
  with pytest.raises(errors.UserError, match='must be less than 10'):
    export_helpers.export(
      labels_offset=offset, output_file=str(tmp_path / 'graph.pb')
    )


def test_weights_that_are_nan(tmp_path):
  with tf.Graph().as_default(), tf.Session() as session:
    images = tf.placeholder(tf.float32, [None, 28, 28, 1])
    nets_factory.get_network_fn('lenet', 10)(images)
    session.run(tf.global_variables_initializer())
    (biases,) = [v for v in tf.model_variables() if 'fc4/biases' in v.op.name]
    biases.load(np.full(10, np.nan, np.float32), session)
    prefix = tf.train.Saver().save(session, str(tmp_path / 'model.ckpt'))
  out = tmp_path / 'out'
  with pytest.raises(errors.UserError, match='LeNet/fc4/biases holds'):
    export_helpers.export(
      checkpoint_path=prefix,
      output_file=str(out / 'graph.pb'),
      frozen_file=str(out / 'frozen.pb'),
      verify=True,
    )
  assert os.listdir(out) == []


def test_more_images_than_the_data_set_has(lenet, digits_dir, tmp_path):
  _, printed = export_helpers.export(
    checkpoint_path=lenet,
    dataset_dir=digits_dir,
    frozen_file=str(tmp_path / 'frozen.pb'),
    verify=True,
    verify_images=1000,
  )
  assert 'Verified on 297 images' in printed


@pytest.mark.parametrize('flag', [*_FLAGS, 'saved_model_dir'])
def test_disk_that_is_full(lenet, tmp_path, flag):
  path = tmp_path / 'target'
  old = resource.getrlimit(resource.RLIMIT_FSIZE)
  handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
  resource.setrlimit(resource.RLIMIT_FSIZE, (5000, old[1]))
  try:
    with pytest.raises(errors.UserError, match='cannot be written'):
      export_helpers.export(checkpoint_path=lenet, **{flag: str(path)})
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, old)
    signal.signal(signal.SIGXFSZ, handler)
  assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('flag', ['frozen_file', 'saved_model_dir'])
def test_full_file_system(lenet, tmp_path, flag):
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
      export_helpers.export(checkpoint_path=lenet, **{flag: f'{small}/x'})
    assert os.listdir(small) == []
  finally:
    subprocess.run(['umount', '-l', str(small)], check=True)


def test_gpu_memory_growth(tmp_path, monkeypatch):
  monkeypatch.setenv('TF_FORCE_GPU_ALLOW_GROWTH', 'false')
  export_helpers.export(
    output_file=str(tmp_path / 'graph.pb'), gpu_memory_growth=True
  )
  assert os.environ['TF_FORCE_GPU_ALLOW_GROWTH'] == 'true'

"""Fine-tuning: what starts from the checkpoint, what does not, and why."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import fine_tuning, locate
from deployment.evaluation import evaluate
from deployment.evaluation.config import EvalConfig
from deployment.training import train
from deployment.training.config import TrainConfig
from nets import nets_factory
from slim_support import errors


def options(**changes):
  values = {
    'dataset_name': 'digits',
    'model_name': 'lenet',
    'optimizer': 'sgd',
    'learning_rate': 0.01,
    'learning_rate_decay_type': 'fixed',
    'max_number_of_steps': 3,
    'save_summaries_secs': 0,
    **changes,
  }
  return TrainConfig(**values)


def saved(folder, model, num_classes, **saver_options):
  """Saves a freshly initialised network; returns the checkpoint's prefix."""
  with tf.Graph().as_default(), tf.Session() as session:
    row = nets_factory.network(model)
    images = tf.zeros([1, 64, 64, row.channels or 1])
    if model == 'lenet':
      images = images[:, :28, :28]
    nets_factory.get_network_fn(model, num_classes)(images)
    session.run(tf.global_variables_initializer())
    saver = tf.train.Saver(**saver_options)
    return saver.save(session, os.path.join(folder, f'{model}.ckpt'))


def restore(config, num_classes, size=28):
  """Builds the network for training; returns variable values after init_fn."""
  row = nets_factory.network(config.model_name)
  images = tf.zeros([2, size, size, row.channels or 1])
  nets_factory.get_network_fn(config.model_name, num_classes)(images)
  start = fine_tuning.init_fn(config, num_classes)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    start(None, session)
    variables = {v.op.name: v for v in tf.model_variables()}
    return session.run(variables)


def tensors(prefix):
  reader = locate.reader(prefix)
  return {
    name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
  }


def test_everything_that_fits_is_restored(tmp_path):
  prefix = saved(tmp_path, 'lenet', 10)
  found = restore(options(checkpoint_path=prefix), 10)
  for name, value in tensors(prefix).items():
    np.testing.assert_array_equal(found[name], value)


def test_classifier_of_other_classes_is_left_out(tmp_path, caplog):
  prefix = saved(tmp_path, 'lenet', 10)
  with caplog.at_level('INFO', logger='absl'):
    found = restore(options(checkpoint_path=prefix), 4)
  old = tensors(prefix)
  assert found['LeNet/fc4/weights'].shape == (1024, 4)
  np.testing.assert_array_equal(
    found['LeNet/fc3/weights'], old['LeNet/fc3/weights']
  )
  assert '6 of 8 variables restored' in caplog.text
  assert '10 in the checkpoint, 4 here' in caplog.text


def test_exclude_scopes_have_their_exact_meaning(tmp_path, caplog):
  prefix = saved(tmp_path, 'lenet', 10)
  config = options(
    checkpoint_path=prefix, checkpoint_exclude_scopes=('LeNet/fc',)
  )
  with caplog.at_level('INFO', logger='absl'):
    found = restore(config, 10)
  assert not np.array_equal(
    found['LeNet/fc4/weights'], tensors(prefix)['LeNet/fc4/weights']
  )
  assert 'Left out by scope LeNet/fc: 4 variables' in caplog.text


def test_mismatch_with_exclude_scopes_is_an_error(tmp_path):
  prefix = saved(tmp_path, 'lenet', 10)
  config = options(
    checkpoint_path=prefix, checkpoint_exclude_scopes=('LeNet/conv1',)
  )
  with pytest.raises(errors.UserError, match=r'fc4/weights is .1024, 4.'):
    restore(config, 4)


def test_misspelt_scope_names_the_near_one(tmp_path):
  prefix = saved(tmp_path, 'lenet', 10)
  config = options(
    checkpoint_path=prefix, checkpoint_exclude_scopes=('LeNet/fc5',)
  )
  with pytest.raises(errors.UserError, match='mean LeNet/fc4'):
    restore(config, 10)


def test_other_width_is_recognised(tmp_path):
  prefix = saved(tmp_path, 'mobilenet_v1_050', 10)
  config = options(checkpoint_path=prefix, model_name='mobilenet_v1_025')
  with pytest.raises(errors.UserError, match='--model_name=mobilenet_v1_050'):
    restore(config, 10, size=64)


def test_missing_variables(tmp_path):
  prefix = saved(tmp_path, 'lenet', 10)
  reader = tensors(prefix)
  tf.get_variable(
    'LeNet/conv1/weights', initializer=reader['LeNet/conv1/weights']
  )
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    part = tf.train.Saver().save(session, str(tmp_path / 'part.ckpt'))
  tf.reset_default_graph()
  with pytest.raises(errors.UserError, match='--ignore_missing_vars'):
    restore(options(checkpoint_path=part), 10)
  tf.reset_default_graph()
  found = restore(options(checkpoint_path=part, ignore_missing_vars=True), 10)
  np.testing.assert_array_equal(
    found['LeNet/conv1/weights'], reader['LeNet/conv1/weights']
  )


def test_nothing_in_common_is_an_error(tmp_path):
  tf.get_variable('other', [1])
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    other = tf.train.Saver().save(session, str(tmp_path / 'other.ckpt'))
  tf.reset_default_graph()
  config = options(checkpoint_path=other, ignore_missing_vars=True)
  with pytest.raises(errors.UserError, match='no variable in common'):
    restore(config, 10)


def test_old_checkpoint_format_fine_tunes(tmp_path, digits_dir):
  prefix = saved(tmp_path, 'lenet', 10, write_version=tf.train.SaverDef.V1)
  config = options(
    dataset_dir=digits_dir,
    train_dir=str(tmp_path / 'train'),
    checkpoint_path=prefix,
    checkpoint_exclude_scopes=('LeNet/fc4',),
    trainable_scopes=('LeNet/fc4',),
  )
  train.train(config)
  before = tensors(prefix)
  after = tensors(locate.resolve(config.train_dir))
  for name, value in before.items():
    assert np.array_equal(after[name], value) == ('fc4' not in name), name


_SIZE = 32
_MOBILENET = {
  'dataset_name': 'folder',
  'model_name': 'mobilenet_v1_025',
  'preprocessing_name': 'lenet',
  'train_image_size': _SIZE,
  'optimizer': 'adam',
  'opt_epsilon': 1e-8,
  'learning_rate': 0.003,
  'batch_norm_decay': 0.9,
  'random_seed': 1,
}


@pytest.fixture(scope='module')
def two_data_sets(tmp_path_factory):
  """Real digits, 0 to 4 in one data set and 5 to 9 in the other."""
  from PIL import Image
  from sklearn.datasets import load_digits

  from datasets import download_and_convert_folder
  from datasets.conversion import engine

  folder = tmp_path_factory.mktemp('two')
  digits = load_digits()
  for number, (image, label) in enumerate(
    zip(digits.images, digits.target, strict=True)
  ):
    place = folder / f'images{label // 5}' / str(label)
    place.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray((image * 255 / 16).astype(np.uint8))
    picture = picture.resize((_SIZE, _SIZE), Image.BILINEAR)
    picture.save(place / f'{number}.png')
  for part in (0, 1):
    download_and_convert_folder.run(
      str(folder / f'data{part}'),
      engine.Options(
        image_dir=str(folder / f'images{part}'), validation_fraction=0.2
      ),
    )
  return folder


def accuracy(folder, data, train_dir):
  config = EvalConfig(
    dataset_name='folder',
    dataset_dir=str(data),
    dataset_split_name='validation',
    model_name='mobilenet_v1_025',
    preprocessing_name='lenet',
    eval_image_size=_SIZE,
    checkpoint_path=str(train_dir),
    eval_dir=str(folder),
  )
  return evaluate.evaluate(config)['Accuracy']


@pytest.mark.slow
def test_fine_tuning_beats_training_from_scratch(two_data_sets, tmp_path):
  first, second = two_data_sets / 'data0', two_data_sets / 'data1'
  base, tuned, scratch = (
    str(tmp_path / name) for name in ('base', 'tuned', 'scratch')
  )
  train.train(
    options(
      **_MOBILENET,
      dataset_dir=str(first),
      train_dir=base,
      max_number_of_steps=300,
    )  # fmt: skip
  )
  common = {
    **_MOBILENET, 'dataset_dir': str(second), 'max_number_of_steps': 60,
  }  # fmt: skip
  frozen = ('MobilenetV1/Conv2d_0', 'MobilenetV1/Conv2d_1_')
  train.train(
    options(
      **common,
      train_dir=tuned,
      checkpoint_path=base,
      checkpoint_exclude_scopes=('MobilenetV1/Logits',),
      trainable_scopes=tuple(
        f'MobilenetV1/{scope}'
        for scope in ('Logits', *(f'Conv2d_{n}_' for n in range(2, 14)))
      ),
      freeze_batch_norm=True,
    )
  )
  train.train(options(**common, train_dir=scratch))
  before = tensors(locate.resolve(base))
  after = tensors(locate.resolve(tuned))
  for name in before:
    if name.startswith(frozen) and 'Adam' not in name:
      np.testing.assert_array_equal(after[name], before[name], err_msg=name)
  assert not np.array_equal(
    after['MobilenetV1/Logits/Conv2d_1c_1x1/weights'],
    before['MobilenetV1/Logits/Conv2d_1c_1x1/weights'],
  )
  found = accuracy(tmp_path / 'a', second, tuned)
  assert found > accuracy(tmp_path / 'b', second, scratch) + 0.05

"""Evaluation: every sample once, whatever the batch size, and its reports."""

import csv
import json
import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import locate, repair
from deployment.evaluation import evaluate, history, metrics, mistakes
from deployment.evaluation.config import EvalConfig
from deployment.training import train
from deployment.training.config import TrainConfig
from slim_support import errors


@pytest.fixture(scope='module')
def trained(digits_dir, tmp_path_factory):
  """A train_dir with three checkpoints of a short run."""
  folder = tmp_path_factory.mktemp('trained')
  train.train(
    TrainConfig(
      dataset_name='digits',
      dataset_dir=digits_dir,
      train_dir=str(folder),
      model_name='lenet',
      optimizer='momentum',
      learning_rate=0.01,
      learning_rate_decay_type='fixed',
      max_number_of_steps=60,
      save_interval_steps=30,
      save_summaries_secs=0,
      moving_average_decay=0.5,
      random_seed=1,
    )
  )
  return str(folder)


def options(digits_dir, trained, eval_dir, **changes):
  values = {
    'dataset_name': 'digits',
    'dataset_dir': digits_dir,
    'model_name': 'lenet',
    'checkpoint_path': trained,
    'eval_dir': str(eval_dir),
    **changes,
  }
  return EvalConfig(**values)


def test_metrics_do_not_depend_on_the_batch_size(digits_dir, trained, tmp_path):
  results = []
  for size in (1, 7, 100, 297, 1000):
    result = evaluate.evaluate(
      options(digits_dir, trained, tmp_path, batch_size=size)
    )
    results.append(result)
    assert result['images'] == 297
    assert np.sum(result['confusion']) == 297
  for result in results[1:]:
    assert result.pop('loss') == pytest.approx(results[0]['loss'], rel=1e-5)
    assert result == {k: v for k, v in results[0].items() if k != 'loss'}
  assert 0.5 < results[0]['Accuracy'] <= 1


def test_metrics_equal_a_recount_from_the_predictions(
  digits_dir, trained, tmp_path
):
  path = tmp_path / 'predictions.csv'
  result = evaluate.evaluate(
    options(digits_dir, trained, tmp_path, predictions_file=str(path))
  )
  with open(path, encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  labels = np.array([int(row['label']) for row in rows])
  scores = np.array([[float(row[f'score_{c}']) for c in range(10)]
                     for row in rows])  # fmt: skip
  assert [int(row['index']) for row in rows] == list(range(297))
  assert result['Accuracy'] == np.mean(scores.argmax(1) == labels)
  top_5 = np.argsort(-scores, axis=1)[:, :5]
  recall = np.mean(
    [label in row for label, row in zip(labels, top_5, strict=True)]
  )
  assert result['Recall_5'] == pytest.approx(recall)
  loss = -np.log(scores[np.arange(297), labels]).mean()
  assert result['loss'] == pytest.approx(loss, rel=1e-3)


def test_reports(digits_dir, trained, tmp_path):
  evaluate.evaluate(options(digits_dir, trained, tmp_path))
  report = json.loads((tmp_path / 'metrics.json').read_text())
  assert report['step'] == 60
  assert report['classes'] == [str(digit) for digit in range(10)]
  with open(tmp_path / 'confusion.csv', encoding='utf-8') as file:
    table = list(csv.reader(file))
  assert [[int(n) for n in row[1:]] for row in table[1:]] == report['confusion']
  for name in ('confusion.png', 'mistakes.png'):
    assert (tmp_path / name).read_bytes().startswith(b'\x89PNG')
  tags = {
    value.tag
    for name in os.listdir(tmp_path)
    if 'tfevents' in name
    for event in tf.train.summary_iterator(str(tmp_path / name))
    for value in event.summary.value
  }
  assert {'eval/Accuracy', 'eval/Recall_5', 'eval/confusion'} <= tags


def test_best_checkpoint_is_kept(digits_dir, trained, tmp_path):
  evaluate.evaluate(
    options(digits_dir, trained, tmp_path, all_checkpoints=True)
  )
  entries = history.read(str(tmp_path))
  assert [entry['step'] for entry in entries] == [0, 30, 60]
  best = max(entries, key=lambda entry: entry['Accuracy'])
  kept = locate.resolve(str(tmp_path / 'best'))
  assert locate.step_of(kept) == best['step']
  assert repair.is_readable(kept)


def test_max_num_batches(digits_dir, trained, tmp_path):
  result = evaluate.evaluate(
    options(digits_dir, trained, tmp_path, batch_size=50, max_num_batches=2)
  )
  assert result['images'] == 100


def test_moving_averages_are_evaluated(digits_dir, trained, tmp_path):
  plain = evaluate.evaluate(options(digits_dir, trained, tmp_path))
  averaged = evaluate.evaluate(
    options(digits_dir, trained, tmp_path, moving_average_decay=0.5)
  )
  assert averaged['loss'] != plain['loss']
  report = json.loads((tmp_path / 'metrics.json').read_text())
  assert report['moving_average_decay'] == 0.5


def test_following_a_run_ends_without_new_checkpoints(
  digits_dir, trained, tmp_path
):
  evaluate.evaluate(
    options(
      digits_dir, trained, tmp_path, eval_interval_secs=1, eval_timeout_secs=1
    )
  )
  assert len(history.read(str(tmp_path))) == 1


def test_checkpoint_that_goes_while_it_is_read_is_passed_over(
  digits_dir, trained, tmp_path, monkeypatch
):
  folder = tmp_path / 'followed'
  shutil.copytree(trained, folder)
  restore = evaluate.Evaluator.restore

  def restore_too_late(evaluator, session, prefix):
    if prefix.endswith('-60'):
      for path in folder.glob('model.ckpt-60.*'):
        path.unlink()
    restore(evaluator, session, prefix)

  monkeypatch.setattr(evaluate.Evaluator, 'restore', restore_too_late)
  following = {'eval_interval_secs': 1, 'eval_timeout_secs': 1}
  evaluate.evaluate(
    options(digits_dir, str(folder), tmp_path / 'eval', **following)
  )
  entries = history.read(str(tmp_path / 'eval'))
  assert [entry['step'] for entry in entries] == [30]


def test_checkpoint_that_is_gone_is_an_error_otherwise(
  digits_dir, trained, tmp_path, monkeypatch
):
  def gone(evaluator, session, prefix):
    raise errors.UserError('gone')

  monkeypatch.setattr(evaluate.Evaluator, 'restore', gone)
  with pytest.raises(errors.UserError, match='gone'):
    evaluate.evaluate(options(digits_dir, trained, tmp_path))


def test_following_an_empty_folder_ends_with_a_sentence(digits_dir, tmp_path):
  with pytest.raises(errors.UserError, match='no checkpoint for 0 s'):
    evaluate.evaluate(
      options(
        digits_dir,
        str(tmp_path),
        tmp_path,
        eval_interval_secs=1,
        eval_timeout_secs=0,
      )  # fmt: skip
    )


def test_checkpoint_of_another_network(digits_dir, trained, tmp_path):
  with pytest.raises(errors.UserError, match='another --model_name'):
    evaluate.evaluate(
      options(digits_dir, trained, tmp_path, model_name='cifarnet')
    )


def test_checkpoint_without_averages(digits_dir, trained, tmp_path):
  prefix = locate.resolve(trained)
  names = ['LeNet/conv1/weights', 'global_step']
  reader = locate.reader(prefix)
  variables = [
    tf.get_variable(name, initializer=reader.get_tensor(name)) for name in names
  ]
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    bare = tf.train.Saver(variables).save(session, str(tmp_path / 'bare.ckpt'))
  with pytest.raises(errors.UserError, match='no moving averages'):
    evaluate.evaluate(
      options(digits_dir, bare, tmp_path, moving_average_decay=0.5)
    )
  with pytest.raises(errors.UserError, match='lacks 7 variables'):
    evaluate.evaluate(options(digits_dir, bare, tmp_path))


def test_old_format_checkpoint_without_global_step(
  digits_dir, trained, tmp_path
):
  from nets import nets_factory

  nets_factory.get_network_fn('lenet', 10)(tf.zeros([1, 28, 28, 1]))
  saver = tf.train.Saver(write_version=tf.train.SaverDef.V1)
  with tf.Session() as session:
    saver.restore(session, locate.resolve(trained))
    old = saver.save(session, str(tmp_path / 'lenet.ckpt'))
  assert os.path.isfile(old)
  expected = evaluate.evaluate(options(digits_dir, trained, tmp_path / 'a'))
  found = evaluate.evaluate(options(digits_dir, old, tmp_path / 'b'))
  assert found == expected


def test_moved_train_dir(digits_dir, trained, tmp_path):
  shutil.copytree(trained, tmp_path / 'moved')
  result = evaluate.evaluate(
    options(digits_dir, str(tmp_path / 'moved'), tmp_path)
  )
  assert result['images'] == 297


def test_recall_with_fewer_than_five_classes():
  logits = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])
  labels = np.array([0, 0])
  assert metrics.ranks(logits, labels).tolist() == [2, 0]
  running = metrics.RunningMetrics(3)
  running.add(labels, logits, np.zeros(2))
  result = running.result()
  assert result['Recall_5'] == 1.0
  assert result['Accuracy'] == 0.5
  assert result['confusion'] == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]
  assert result['per_class']['precision'] == [1.0, 0.0, 0.0]
  assert result['per_class']['recall'] == [0.5, 0.0, 0.0]
  assert result['per_class']['f1'] == pytest.approx([2 / 3, 0.0, 0.0])


def test_mistakes_of_many_batches_are_those_of_one():
  random = np.random.RandomState(0)
  logits = random.randn(300, 4).astype(np.float32)
  labels = random.randint(0, 4, 300)
  scores = metrics.probabilities(logits)
  classes = [f'class {n}' for n in range(4)]
  lists = []
  for size in (1, 7, 300):
    collected = mistakes.ConfidentMistakes()
    for start in range(0, 300, size):
      part = slice(start, start + size)
      collected.add(np.arange(300)[part], labels[part], scores[part])
    lists.append(collected.result(classes))
  assert lists[0] == lists[1] == lists[2]
  wrong = np.flatnonzero(scores.argmax(1) != labels)
  best = wrong[np.argsort(-scores[wrong].max(1), kind='stable')][:20]
  assert [row['index'] for row in lists[0]] == best.tolist()

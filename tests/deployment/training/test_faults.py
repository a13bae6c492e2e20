"""Folders that are removed, servers that do not answer."""

import shutil
import threading
import time

import pytest

from deployment.command_line import server
from deployment.evaluation import evaluate
from deployment.evaluation.config import EvalConfig
from deployment.training import train
from deployment.training.config import TrainConfig
from slim_support import errors


def options(digits_dir, train_dir, **changes):
  values = {
    'dataset_name': 'digits',
    'dataset_dir': digits_dir,
    'train_dir': str(train_dir),
    'model_name': 'lenet',
    'batch_size': 8,
    'learning_rate': 0.001,
  }
  return TrainConfig(**(values | changes))


@pytest.mark.parametrize('summaries', [0, 600])
def test_train_dir_that_is_removed(digits_dir, tmp_path, summaries):
  folder = tmp_path / 'train'

  def remove():
    while not [*folder.glob('model.ckpt-*.index')]:
      time.sleep(0.05)
    while folder.exists():
      shutil.rmtree(folder, ignore_errors=True)

  thread = threading.Thread(target=remove)
  thread.start()
  config = options(
    digits_dir, folder, save_interval_steps=5, max_number_of_steps=2000,
    save_summaries_secs=summaries,
  )  # fmt: skip
  with pytest.raises(errors.UserError, match='was removed during'):
    train.train(config)
  thread.join()


_SILENT = 'grpc://127.0.0.1:1'


def test_training_on_a_server_that_is_not_there(digits_dir, tmp_path):
  config = options(digits_dir, tmp_path, master=_SILENT, cluster_timeout_secs=1)
  with pytest.raises(errors.UserError, match='does not answer within'):
    train.train(config)


def test_evaluation_on_a_server_that_is_not_there(digits_dir, tmp_path):
  config = EvalConfig(
    dataset_name='digits', dataset_dir=digits_dir, model_name='lenet',
    checkpoint_path=str(tmp_path), eval_dir=str(tmp_path),
    master=_SILENT, cluster_timeout_secs=1,
  )  # fmt: skip
  with pytest.raises(errors.UserError, match='does not answer within'):
    evaluate.evaluate(config)


@pytest.mark.parametrize('master', ['127.0.0.1:1', 'grpc://', 'http://x:1'])
def test_master_that_is_no_address(master):
  with pytest.raises(errors.UserError, match='must be grpc://HOST:PORT'):
    server.wait(master, 1)


def test_nothing_is_awaited_without_a_server():
  server.wait('', 1)
  server.wait('local', 1)


def test_a_signal_ends_the_waiting():
  start = time.monotonic()
  server.wait(_SILENT, 60, lambda: True)
  assert time.monotonic() - start < 30

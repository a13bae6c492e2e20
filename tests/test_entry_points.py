"""The entry scripts as a user runs them, each in a process of its own."""

import json
import os
import re
import time

import pytest

_SCRIPTS = (
  'download_and_convert_data.py',
  'train_image_classifier.py',
  'eval_image_classifier.py',
  'export_inference_graph.py',
)


@pytest.mark.parametrize('script', _SCRIPTS)
def test_help_answers_without_tensorflow(run_script, script):
  start = time.monotonic()
  result = run_script(script, '--help')
  took = time.monotonic() - start
  assert result.returncode == 0
  assert f'python {script}' in result.stdout
  assert '--dataset_name' in result.stdout
  assert took < 3  # importing TensorFlow takes longer than that


_BAD = [
  ('train_image_classifier.py', '--dataset_name=digit', 'mean digits'),
  ('train_image_classifier.py', '--model_name=lenett', 'mean lenet'),
  ('train_image_classifier.py', '--optimizer=adm', 'mean adam'),
  ('train_image_classifier.py', '--preprocessing_name=vggg', 'mean vgg'),
  ('train_image_classifier.py', '--batch_size=0', 'at least 1'),
  ('train_image_classifier.py', '--batch_size=many', 'batch_size'),
  ('train_image_classifier.py', '--exclude_scope=a', 'Unknown command line'),
  ('train_image_classifier.py', '--profile_steps=9', 'for instance 10,20'),
  ('train_image_classifier.py', 'stray', "Unexpected argument 'stray'"),
  ('train_image_classifier.py', '--dataset_name=digits', '--dataset_dir'),
  ('eval_image_classifier.py', '--model_name=lenett', 'mean lenet'),
  ('export_inference_graph.py', '--model_name=lenett', 'mean lenet'),
  ('export_inference_graph.py', '--model_name=lenet', '--output_file'),
  ('download_and_convert_data.py', '--dataset_name=digit', 'mean digits'),
  ('download_and_convert_data.py', '--dataset_name=digits', '--dataset_dir'),
]


@pytest.mark.parametrize(('script', 'flag', 'expected'), _BAD)
def test_bad_input_gets_one_sentence(run_script, script, flag, expected):
  result = run_script(script, flag)
  assert result.returncode == 1
  assert expected in result.stderr
  assert 'Traceback' not in result.stderr
  assert len(result.stderr.strip().splitlines()) == 1


def test_split_that_does_not_exist(run_script, digits_dir):
  result = run_script(
    'train_image_classifier.py', '--dataset_name=digits',
    f'--dataset_dir={digits_dir}', '--dataset_split_name=tests',
    '--model_name=lenet',
  )  # fmt: skip
  assert result.returncode == 1
  assert 'mean test' in result.stderr


def test_folder_without_data_says_what_makes_it(run_script, tmp_path):
  result = run_script(
    'eval_image_classifier.py', '--dataset_name=mnist',
    f'--dataset_dir={tmp_path}', '--model_name=lenet',
  )  # fmt: skip
  assert result.returncode == 1
  assert (
    'python download_and_convert_data.py --dataset_name=mnist '
    f'--dataset_dir={tmp_path}' in result.stderr
  )


def test_convert_train_resume_evaluate_export(run_script, tmp_path):
  """The whole way, from a folder that is not the checkout."""
  data, model = tmp_path / 'data', tmp_path / 'model'

  def run(script, *flags):
    result = run_script(script, *flags, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr

  run('download_and_convert_data.py', '--dataset_name=digits',
      f'--dataset_dir={data}')  # fmt: skip
  train = [
    'train_image_classifier.py', '--dataset_name=digits', '--model_name=lenet',
    f'--dataset_dir={data}', f'--train_dir={model}', '--optimizer=momentum',
  ]  # fmt: skip
  first = run(*train, '--max_number_of_steps=20')
  line = r'step 20: loss = \d+\.\d+ \(\d+\.\d+ sec/step\), learning rate 0\.01'
  assert re.search(line, first)
  second = run(*train, '--max_number_of_steps=40')
  assert re.search(r'Resuming from .*model\.ckpt-20', second)
  assert 'step 1:' not in second
  printed = run('eval_image_classifier.py', f'--checkpoint_path={model}',
                f'--eval_dir={tmp_path}/eval')  # fmt: skip
  assert re.search(r'eval/Accuracy\[[\d.]+\]', printed)
  report = json.loads((tmp_path / 'eval' / 'metrics.json').read_text())
  assert report['images'] == 297
  assert report['step'] == 40
  run('export_inference_graph.py', '--model_name=lenet',
      f'--output_file={tmp_path}/lenet.pb')  # fmt: skip
  assert os.path.getsize(tmp_path / 'lenet.pb') > 1000


@pytest.mark.parametrize('flag', ['--job-dir', '--job_dir'])
def test_job_dir_of_cloud_platforms(run_script, digits_dir, tmp_path, flag):
  common = [
    'train_image_classifier.py', '--dataset_name=digits', '--model_name=lenet',
    f'--dataset_dir={digits_dir}', '--max_number_of_steps=1', '--batch_size=2',
    '--quantize_delay=-1', '--warmup_epochs=0', '--save_summaries_secs=0',
    f'{flag}={tmp_path}/job',
  ]  # fmt: skip
  if flag == '--job_dir':
    common.append(f'--train_dir={tmp_path}/train')
  result = run_script(*common)
  assert result.returncode == 0, result.stderr
  used = 'train' if flag == '--job_dir' else 'job'
  assert os.listdir(tmp_path) == [used]

"""How scripts end: interrupted, without memory or space, unread, escaped."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from tests import conftest

_SCRIPTS = sorted(
  str(path.relative_to(conftest.ROOT))
  for folder in (
    conftest.ROOT,
    conftest.ROOT / 'scripts',
    conftest.ROOT / 'scripts' / 'benchmarks',
  )
  for path in folder.glob('*.py')
  if 'entry.run(main)' in path.read_text(encoding='utf-8')
)


@pytest.fixture
def run_body(tmp_path):
  """Runs the body of a script's main function; returns the process."""

  def run(body, *flags, **options):
    script = tmp_path / 'script.py'
    script.write_text(
      '"""A script."""\n'
      'import errno, os, signal, sys, time\n'
      'from deployment.command_line import entry\n'
      'from slim_support import errors, signals\n'
      'def main():\n' + textwrap.indent(textwrap.dedent(body), '  ') + '\n'
      'entry.run(main)\n'
    )
    environment = os.environ | {'PYTHONPATH': str(conftest.ROOT)}
    environment |= options.pop('env', {})
    environment.pop('TF_CPP_MIN_LOG_LEVEL', None)
    options = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE} | options
    return subprocess.run(
      [sys.executable, str(script), *flags],
      env=environment,
      timeout=60,
      check=False,
      **options,
    )

  return run


def _one_line(result):
  lines = result.stderr.decode().splitlines()
  assert len(lines) == 1, lines
  assert lines[0].startswith('script.py: ')
  return lines[0].removeprefix('script.py: ')


# What a script does when the signal comes.
_INTERRUPTED = {
  'plainly': 'signal.raise_signal(number)',
  'in a destructor': """
    class Thing:
      def __del__(self):
        signal.raise_signal(number)
    Thing()
    time.sleep(20)
  """,
  'where others turn it into another error': """
    try:
      signal.raise_signal(number)
    except BaseException:
      raise RuntimeError('in between')
  """,
}


@pytest.mark.parametrize('situation', _INTERRUPTED)
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_in_one_line_after_clean_up(run_body, number, situation):
  body = textwrap.indent(textwrap.dedent(_INTERRUPTED[situation]), '  ')
  result = run_body(
    f'number = {int(number)}\ntry:\n{body}\n  print("not reached")\n'
    'finally:\n  print("cleaned up")'
  )
  assert result.returncode == 128 + number
  assert _one_line(result) == f'Stopped by {number.name}.'
  assert result.stdout.decode() == 'cleaned up\n'


def test_second_signal_does_not_wait_for_the_clean_up(run_body):
  result = run_body("""
    try:
      signal.raise_signal(signal.SIGTERM)
    finally:
      signal.raise_signal(signal.SIGTERM)
      time.sleep(30)
  """)
  assert result.returncode == 143
  assert b'Traceback' not in result.stderr


def test_signal_to_a_forked_process_ends_only_that_one(run_body):
  result = run_body("""
    child = os.fork()
    if not child:
      time.sleep(30)
      os._exit(0)
    time.sleep(0.5)
    os.kill(child, signal.SIGTERM)
    print(os.waitpid(child, 0)[1])
  """)
  assert result.returncode == 0
  assert result.stdout.decode() == '15\n'
  assert result.stderr == b''


def test_signal_that_an_import_swallows_is_not_lost(run_body, tmp_path):
  (tmp_path / 'swallows.py').write_text(
    'import signal\n'
    'try:\n'
    '  signal.raise_signal(signal.SIGTERM)\n'
    'except:\n'
    '  pass\n'
  )
  result = run_body('entry.load("swallows")\nprint("not reached")')
  assert result.returncode == 143
  assert _one_line(result) == 'Stopped by SIGTERM.'
  assert result.stdout == b''


@pytest.mark.parametrize(
  ('raised', 'expected'),
  [
    ('errors.UserError("Use --x.")', 'Use --x.'),
    ('MemoryError()', 'Out of memory: this process needs more'),
    (
      'OSError(errno.ENOSPC, "full", "/data/x")',
      'No space is left on the device for /data/x.',
    ),
    ('OSError(errno.EDQUOT, "quota")', 'No space is left on the device.'),
  ],
)
def test_known_errors_end_in_one_line(run_body, raised, expected):
  result = run_body(f'raise {raised}')
  assert result.returncode == 1
  assert _one_line(result).startswith(expected)


@pytest.mark.parametrize(
  'raised', ['ValueError("x")', 'BrokenPipeError("of a worker")', 'OSError()']
)
def test_faults_of_ours_keep_their_traceback(run_body, raised):
  result = run_body(f'raise {raised}')
  assert result.returncode == 1
  assert b'Traceback' in result.stderr


@pytest.mark.parametrize('status', [0, 3])
def test_status_of_main_is_that_of_the_script(run_body, status):
  assert run_body(f'return {status}').returncode == status


@pytest.mark.parametrize(
  ('flags', 'status'), [(['--help'], 0), (['--version'], 0), ([], 141)]
)
def test_closed_pipe_ends_quietly(run_body, flags, status):
  reader, writer = os.pipe()
  os.close(reader)
  try:
    result = run_body('print("x")', *flags, stdout=writer)
  finally:
    os.close(writer)
  assert result.returncode == status
  assert result.stderr == b''


@pytest.mark.skipif(
  not os.path.exists('/dev/full'), reason='needs a device that is full'
)
def test_full_standard_output_is_said(run_body):
  with open('/dev/full', 'w') as full:
    result = run_body('print("x")', stdout=full)
  assert result.returncode == 1
  assert _one_line(result) == 'No space is left on the device.'


@pytest.mark.parametrize('encoding', ['cp1252', 'ascii', 'utf-8'])
def test_characters_that_the_console_lacks_are_escaped(run_body, encoding):
  result = run_body(
    'print("\\u4e2d \\udcff")\nraise errors.UserError("\\u4e2d \\udcff")',
    env={'PYTHONIOENCODING': encoding},
  )
  assert result.returncode == 1
  shown = '中' if encoding == 'utf-8' else r'\u4e2d'
  assert result.stdout.decode() == shown + ' \\udcff\n'
  assert _one_line(result) == shown + ' \\udcff'


def test_deleted_working_folder_is_said(run_body, tmp_path):
  gone = tmp_path / 'gone'
  gone.mkdir()
  result = run_body('pass', cwd=gone, preexec_fn=gone.rmdir)
  assert result.returncode == 1
  assert 'working folder does not exist any more' in _one_line(result)


@pytest.mark.parametrize('script', _SCRIPTS)
def test_version(run_script, script):
  result = run_script(script, '--version')
  assert result.returncode == 0
  assert result.stdout.startswith(os.path.basename(script) + ' 1.')
  assert 'TensorFlow 2.' in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('work', ['evaluate', 'export', 'convert', 'train'])
def test_signals_at_any_time(run_script, digits_dir, tmp_path, work, number):
  """Five points in time each, spread over the whole run."""
  data, model = f'--dataset_dir={digits_dir}', str(tmp_path / 'model')
  training = [
    'train_image_classifier.py', '--dataset_name=digits', data,
    '--model_name=lenet', '--max_number_of_steps=10',
  ]  # fmt: skip
  command = {
    'evaluate': [
      'eval_image_classifier.py', f'--checkpoint_path={model}',
      f'--eval_dir={tmp_path / "eval"}',
    ],
    'export': [
      'export_inference_graph.py', f'--checkpoint_path={model}',
      f'--frozen_file={tmp_path / "x.pb"}', '--verify',
      f'--tflite_file={tmp_path / "x.tflite"}',
    ],
    'convert': [
      'download_and_convert_data.py', '--dataset_name=digits',
      f'--dataset_dir={tmp_path / "data"}',
    ],
    'train': [*training, f'--train_dir={tmp_path / "second"}'],
  }[work]  # fmt: skip
  assert run_script(*training, f'--train_dir={model}').returncode == 0
  for after in (0.4, 1.1, 2.3, 3.5, 4.7):
    process = subprocess.Popen(
      [sys.executable, conftest.ROOT / command[0], *command[1:]],
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )
    try:
      _, said = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
      process.send_signal(number)
      _, said = process.communicate(timeout=60)
    assert process.returncode in (0, 128 + number), said
    assert 'Traceback' not in said
    assert 'ignored' not in said

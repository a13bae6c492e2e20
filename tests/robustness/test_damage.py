"""Damages crossed with every file that the scripts read.

However a file was damaged, by a kill, a full disk or a hand, each command that
reads it ends in time, without a traceback, and says in a sentence why it
refuses.
"""

import os
import shutil

import pytest


def _cut(path):
  data = path.read_bytes()
  path.write_bytes(data[: len(data) // 2])


def _cut_last_byte(path):
  path.write_bytes(path.read_bytes()[:-1])


def _flip(path):
  data = bytearray(path.read_bytes())
  for place in range(len(data) // 3, len(data), max(1, len(data) // 7)):
    data[place] ^= 0x5A
  path.write_bytes(data)


def _flip_first(path):
  data = bytearray(path.read_bytes())
  for place in range(min(16, len(data))):
    data[place] ^= 0xFF
  path.write_bytes(data)


def _content(data):
  return lambda path: path.write_bytes(data)


def _fifo(path):
  path.unlink()
  os.mkfifo(path)


def _folder(path):
  path.unlink()
  path.mkdir()


def _loop(path):
  path.unlink()
  path.symlink_to(path)


def _device(path):
  path.unlink()
  path.symlink_to('/dev/zero')


_DAMAGES = {
  'cut': _cut,
  'last byte gone': _cut_last_byte,
  'flipped': _flip,
  'flipped start': _flip_first,
  'empty': _content(b''),
  'null': _content(b'null'),
  'list': _content(b'[]'),
  'object': _content(b'{}'),
  'nested': _content(b'[' * 100_000),
  'number': _content(b'1e999\n'),
  'page': _content(b'<!DOCTYPE html><html><body>403</body></html>\n'),
  'binary': _content(bytes(range(256)) * 50),
  'zeros': _content(bytes(5000)),
  'latin-1': _content('0:K\u00e4se\n'.encode('latin-1')),
  'pipe': _fifo,
  'folder': _folder,
  'link to itself': _loop,
  'endless device': _device,
  'missing': lambda path: path.unlink(),
}

_TRAIN = [
  'train_image_classifier.py', '--dataset_name=digits', '--model_name=lenet',
  '--batch_size=2', '--save_summaries_secs=0',
]  # fmt: skip
_EVAL = [
  'eval_image_classifier.py', '--dataset_name=digits', '--batch_size=20',
  '--max_num_batches=2',
]  # fmt: skip
_DATA, _RUN, _EXPORT = 'data', 'run', 'exported'
_RESUME = [*_TRAIN, '--train_dir={run}', '--dataset_dir={data}',
           '--max_number_of_steps=3']  # fmt: skip
_FRESH = [*_TRAIN, '--train_dir={work}/train', '--dataset_dir={data}',
          '--max_number_of_steps=1']  # fmt: skip
_TUNE = [*_FRESH, '--checkpoint_path={run}']
_MEASURE = [*_EVAL, '--checkpoint_path={run}', '--dataset_dir={data}',
            '--eval_dir={work}/eval']  # fmt: skip
_MEASURE_AGAIN = [*_EVAL, '--checkpoint_path={run}', '--dataset_dir={data}',
                  '--eval_dir={run}/eval']  # fmt: skip
_FREEZE = ['export_inference_graph.py', '--checkpoint_path={run}',
           '--frozen_file={work}/frozen.pb', '--verify',
           '--verify_images=2']  # fmt: skip
_SHOW = ['scripts/show_dataset.py', '--dataset_name=digits', '--split=test',
         '--dataset_dir={data}', '--sheet={work}/sheet.png']  # fmt: skip
_EXTRACT = ['scripts/extract_image.py', '--dataset_dir={data}',
            '--output_dir={work}']  # fmt: skip
_CONVERT = ['download_and_convert_data.py', '--dataset_name=digits',
            '--dataset_dir={data}']  # fmt: skip
_PLOT = ['scripts/plot_training.py', '--train_dir={run}',
         '--output_file={work}/plot.png']  # fmt: skip
_LABEL = ['scripts/label_image.py', '--image={image}']
_SUMMARIZE = ['scripts/summarize_graph.py']


def _graph(name):
  return [*_LABEL, f'--graph={{exported}}/{name}']


# (folder, file as a pattern) -> the commands that read it.
_READ = {
  (_DATA, 'dataset.json'): [_FRESH, _MEASURE, _SHOW, _EXTRACT, _CONVERT],
  (_DATA, 'labels.txt'): [_FRESH, _MEASURE, _SHOW, _FREEZE],
  (_DATA, '*_train.tfrecord'): [_FRESH],
  (_DATA, '*_test.tfrecord'): [_MEASURE, _SHOW, _EXTRACT],
  (_RUN, 'run.json'): [_RESUME, _MEASURE, _FREEZE],
  (_RUN, 'finished.json'): [_RESUME, _MEASURE],
  (_RUN, 'checkpoint'): [_RESUME, _TUNE, _MEASURE, _FREEZE],
  (_RUN, 'model.ckpt-2.index'): [_RESUME, _TUNE, _MEASURE, _FREEZE],
  (_RUN, 'model.ckpt-2.data*'): [_RESUME, _TUNE, _MEASURE, _FREEZE],
  (_RUN, 'model.ckpt-2.meta'): [_RESUME, _MEASURE],
  (_RUN, '*.tfevents.*'): [_RESUME, _PLOT],
  (_RUN, 'eval/history.jsonl'): [_MEASURE_AGAIN, _PLOT],
  (_RUN, 'eval/metrics.json'): [_MEASURE_AGAIN, _FREEZE],
  (_EXPORT, 'frozen.pb'): [
    _graph('frozen.pb'), [*_SUMMARIZE, '--in_graph={exported}/frozen.pb'],
  ],
  (_EXPORT, 'frozen.pb.json'): [_graph('frozen.pb')],
  (_EXPORT, 'model.tflite'): [_graph('model.tflite')],
  (_EXPORT, 'model.tflite.json'): [_graph('model.tflite')],
  (_EXPORT, 'saved_model/saved_model.pb'): [_graph('saved_model')],
  (_EXPORT, 'saved_model/assets.extra/metadata.json'): [_graph('saved_model')],
  ('image', 'image.png'): [_graph('frozen.pb')],
  ('labels', 'labels.txt'): [
    [*_graph('frozen.pb'), '--labels={labels}/labels.txt']
  ],
  ('weights', 'weights.txt'): [
    [*_FRESH, '--class_weights={weights}/weights.txt']
  ],
}  # fmt: skip
_QUICK = {
  (_DATA, 'dataset.json'), (_RUN, 'run.json'), (_RUN, 'eval/history.jsonl'),
  ('labels', 'labels.txt'), (_EXPORT, 'frozen.pb.json'),
}  # fmt: skip
_FEW = ('cut', 'list', 'nested', 'binary', 'pipe', 'folder')


@pytest.fixture(scope='module')
def sources(tmp_path_factory, digits_dir, trained, exported):
  """Folder name -> the folder that is copied for each case."""
  from PIL import Image

  extra = {}
  for name in ('image', 'labels', 'weights'):
    extra[name] = tmp_path_factory.mktemp(name)
  Image.new('L', (28, 28), 9).save(extra['image'] / 'image.png')
  numbered = ''.join(f'{n}:class {n}\n' for n in range(10))
  (extra['labels'] / 'labels.txt').write_text(numbered)
  weights = ''.join(f'{n}:1\n' for n in range(10))
  (extra['weights'] / 'weights.txt').write_text(weights)
  return {'data': digits_dir, 'run': trained, 'exported': exported, **extra}


def _places(sources, case, work):
  """Returns the folders of a case, the damaged one a copy."""
  places = {name: str(folder) for name, folder in sources.items()}
  copy = shutil.copytree(sources[case[0]], work / 'copy', symlinks=True)
  places[case[0]] = str(copy)
  places['work'] = str(work)
  places['image'] += '/image.png'
  (found,) = list(copy.glob(case[1]))
  return places, found


def _run(runner, sources, case, damage, tmp_path):
  """Damages one file; returns what is wrong with the commands' ends."""
  faults = []
  for number, command in enumerate(_READ[case]):
    work = tmp_path / f'{number}'
    work.mkdir()
    places, path = _places(sources, case, work)
    _DAMAGES[damage](path)
    script, *flags = command
    flags = [flag.format(**places) for flag in flags]
    fault = runner.run(script, *flags, cwd=work).fault()
    if fault:
      faults.append(f'{case[1]}, {damage}: {fault}')
  return faults


def _name(case):
  return f'{case[0]}/{case[1]}'


@pytest.mark.slow
@pytest.mark.parametrize('damage', _FEW)
@pytest.mark.parametrize('case', sorted(_QUICK), ids=_name)
def test_damage_is_said_in_a_sentence(runner, sources, case, damage, tmp_path):
  assert _run(runner, sources, case, damage, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize('damage', [*_DAMAGES])
@pytest.mark.parametrize('case', sorted(_READ), ids=_name)
def test_every_damage(runner, sources, case, damage, tmp_path):
  assert _run(runner, sources, case, damage, tmp_path) == []

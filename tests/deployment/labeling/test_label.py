"""Labeling images with what was exported, in every form."""

import json
import pathlib
import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets import reading
from deployment.export import exported_files, predictors, sample_images
from deployment.labeling import config as label_config
from deployment.labeling import image_loading, image_search, label
from deployment.labeling import network as label_network
from nets import nets_factory
from slim_support import errors
from tests.deployment import export_helpers

_LABELS = ''.join(f'{digit}:number {digit}\n' for digit in range(10))


@pytest.fixture(scope='module')
def lenet(tmp_path_factory, digits_dir):
  """Exports, three digits as files, and what the network says of them."""
  folder = tmp_path_factory.mktemp('labeling')
  prefix, _ = export_helpers.checkpoint('lenet', folder)
  metadata, _ = export_helpers.export(
    checkpoint_path=prefix,
    dataset_dir=digits_dir,
    frozen_file=str(folder / 'frozen.pb'),
    saved_model_dir=str(folder / 'saved_model'),
    tflite_file=str(folder / 'lenet.tflite'),
  )
  options = export_helpers.options(dataset_dir=digits_dir)
  encoded = reading.first_images(sample_images.find_dataset(options, False), 3)
  (folder / 'images').mkdir()
  for number, data in enumerate(encoded):
    (folder / 'images' / f'{number}.png').write_bytes(data)
  (folder / 'labels.txt').write_text(_LABELS)
  prepared = sample_images.prepare(encoded, metadata)
  scores = predictors.load(str(folder / 'frozen.pb'))(prepared)
  return {'folder': folder, 'scores': scores, 'checkpoint': prefix}


def _options(lenet, **values):
  folder = lenet['folder']
  if 'checkpoint_path' not in values:
    values.setdefault('graph', str(folder / 'frozen.pb'))
  return label_config.LabelConfig(
    **{'image': str(folder / 'images'), 'dataset_name': 'digits'} | values
  )


def _label(capsys, options):
  label.label(options)
  return capsys.readouterr().out


def _rows(capsys, options):
  lines = _label(capsys, options).splitlines()
  return [json.loads(line) for line in lines]


def _check_rows(rows, scores, tolerance):
  for row, expected in zip(rows, scores, strict=True):
    found = row['predictions']
    assert found[0]['index'] == expected.argmax()
    for prediction in found:
      difference = prediction['score'] - expected[prediction['index']]
      assert abs(difference) < tolerance


@pytest.mark.parametrize(
  ('graph', 'tolerance'),
  [('frozen.pb', 1e-5), ('saved_model', 1e-5), ('lenet.tflite', 1e-4)],
)
def test_every_form(lenet, capsys, graph, tolerance):
  """Metadata beside the graph say how images are prepared and named."""
  graph = str(lenet['folder'] / graph)
  rows = _rows(capsys, _options(lenet, graph=graph, json=True, top_k=10))
  assert [pathlib.Path(row['image']).name for row in rows] == [
    '0.png',
    '1.png',
    '2.png',
  ]
  _check_rows(rows, lenet['scores'], tolerance)
  assert rows[0]['predictions'][0]['label'] == str(
    rows[0]['predictions'][0]['index']
  )


def test_checkpoint(lenet, capsys):
  options = _options(
    lenet,
    checkpoint_path=lenet['checkpoint'],
    model_name='lenet',
    json=True,
    batch_size=2,
  )
  _check_rows(_rows(capsys, options), lenet['scores'], 1e-5)


def test_one_image_prints_label_index_score(lenet, capsys):
  printed = _label(
    capsys,
    _options(
      lenet,
      image=str(lenet['folder'] / 'images' / '1.png'),
      labels=str(lenet['folder'] / 'labels.txt'),
    ),
  )
  scores = lenet['scores'][1]
  best = np.argsort(-scores)[:5]
  for line, index in zip(printed.splitlines(), best, strict=True):
    text, _, score = line.rpartition(' ')
    assert text == f'number {index} ({index}):'
    assert re.fullmatch(r'\d\.\d{6}', score)
    assert float(score) == pytest.approx(scores[index], abs=1e-5)


def test_mean_and_std_scale_plainly(lenet, capsys):
  """Here, where nothing is cropped, they give what the evaluation saw."""
  options = _options(lenet, input_mean=128.0, input_std=128.0, json=True)
  _check_rows(_rows(capsys, options), lenet['scores'], 1e-5)


@pytest.mark.parametrize(
  ('mean', 'std', 'warns'),
  [(128.0, 128.0, False), (127.5, 127.5, False), (0.0, 255.0, True)],
)
def test_warning_of_other_values(lenet, caplog, mean, std, warns):
  label_network.load(_options(lenet, input_mean=mean, input_std=std))
  assert ('the network takes values in [-1, 1)' in caplog.text) == warns


def test_warning_of_other_names_and_preprocessing(lenet, caplog):
  labels = str(lenet['folder'] / 'labels.txt')
  options = _options(lenet, labels=labels, preprocessing_name='cifarnet')
  label_network.load(options)
  assert "'number 0' instead of '0'" in caplog.text
  assert 'the network was exported with lenet' in caplog.text


def test_graph_without_metadata(lenet, tmp_path, capsys, caplog):
  graph = tmp_path / 'graph.pb'
  graph.write_bytes((lenet['folder'] / 'frozen.pb').read_bytes())
  assert exported_files.read_metadata(str(graph)) is None
  options = _options(lenet, graph=str(graph), json=True)
  rows = _rows(capsys, options)
  assert 'The values that the network takes are not known' in caplog.text
  with tf.Graph().as_default(), tf.Session() as session:
    image = lenet['folder'] / 'images' / '0.png'
    pixels = session.run(tf.io.decode_image(image.read_bytes()))
  scores = predictors.load(str(graph))(pixels[None] / np.float32(255))
  _check_rows(rows[:1], scores, 1e-5)


def test_bad_images_do_not_stop_the_others(lenet, tmp_path, capsys):
  good = lenet['folder'] / 'images' / '0.png'
  cut, empty = tmp_path / 'cut.png', tmp_path / 'empty.jpg'
  cut.write_bytes(good.read_bytes()[:60])
  empty.write_bytes(b'')
  names = [cut, 'http://host/x.jpg', good, empty, tmp_path / 'absent.png']
  image = ','.join(map(str, names))
  with pytest.raises(errors.UserError, match='4 of 5 images'):
    label.label(_options(lenet, image=image, json=True))
  rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
  assert [row['image'] for row in rows] == [str(name) for name in names]
  assert ['error' in row for row in rows] == [True, True, False, True, True]
  assert 'not fetched' in rows[1]['error']
  _check_rows(rows[2:3], lenet['scores'][:1], 1e-5)


def test_one_bad_image_is_an_error(lenet, tmp_path):
  with pytest.raises(errors.UserError, match='no such file'):
    label.label(_options(lenet, image=str(tmp_path / 'absent.png')))


def test_image_with_too_many_pixels(lenet, tmp_path, monkeypatch):
  monkeypatch.setattr(image_loading, '_MOST_PIXELS', 28 * 28 - 1)
  image = str(lenet['folder'] / 'images' / '0.png')
  with pytest.raises(errors.UserError, match='28 x 28 pixels are more'):
    label.label(_options(lenet, image=image))


def test_find(tmp_path):
  (tmp_path / 'b').mkdir()
  (tmp_path / 'b' / 'x.JPG').write_bytes(b'')
  (tmp_path / 'b' / 'unnamed').write_bytes(b'\x89PNG\r\n\x1a\n')
  (tmp_path / 'b' / 'notes.txt').write_text('no image')
  (tmp_path / 'a, b.png').write_bytes(b'')
  folder = str(tmp_path / 'b')
  inside = [f'{folder}/unnamed', f'{folder}/x.JPG']
  assert image_search.find(folder) == inside
  assert image_search.find(f'{folder},other.png') == [*inside, 'other.png']
  assert image_search.find(f'{folder}/*.JPG') == inside[1:]
  comma = str(tmp_path / 'a, b.png')
  assert image_search.find(comma) == [comma]
  (tmp_path / 'none').mkdir()
  with pytest.raises(errors.UserError, match='there are no images'):
    image_search.find(str(tmp_path / 'none'))


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'graph': None}, 'Use either --graph'),
    ({'graph': None, 'checkpoint_path': 'x'}, '--model_name is missing'),
    ({'input_std': 0.0}, '--input_std=0.0: must be at least 1e-06'),
    ({'model_name': 'lenett'}, 'Did you mean lenet'),
  ],
)
def test_flags_that_cannot_work(lenet, values, message):
  with pytest.raises(errors.UserError, match=message):
    _options(lenet, **values)


def test_size_that_the_network_does_not_take(lenet):
  with pytest.raises(errors.UserError, match='takes 28 pixels'):
    label_network.load(_options(lenet, input_width=32))


def test_labels_of_the_wrong_length(lenet, tmp_path):
  labels = tmp_path / 'labels.txt'
  labels.write_text('0:a\n1:b\n')
  with pytest.raises(
    errors.UserError, match='2 classes, but the network has 10'
  ):
    label_network.load(_options(lenet, labels=str(labels)))


@pytest.mark.parametrize(
  ('classes', 'first'), [(1000, 'tench'), (1001, 'background')]
)
def test_released_weights_take_their_own_offset(
  tmp_path, monkeypatch, classes, first
):
  """ResNet V1 and VGG know no background class, unlike the others."""
  row = nets_factory.network('lenet')._replace(classes=classes)
  monkeypatch.setitem(nets_factory._NETWORKS, 'lenet', row)
  prefix, _ = export_helpers.checkpoint('lenet', tmp_path)
  network = label_network.load(
    label_config.LabelConfig(
      image='x', checkpoint_path=prefix, model_name='lenet'
    )
  )
  assert len(network.names) == network.predictor.num_classes == classes
  assert network.names[0].startswith(first)

"""One table of good and bad input, through both label_image programs."""

import os
import re

import pytest

_NAMES = 'cat\ndog\nbird\n'


def _score(line):
  return re.fullmatch(r'(.*) \((\d+)\): (\d\.\d{6})', line).groups()


def _run(program, material, flags):
  """Labels the red image with the good graph, unless flags say otherwise."""
  values = {'image': 'red.png', 'graph': 'good.pb'} | flags
  for name in ('image', 'graph', 'labels'):
    if values.get(name, '/')[:1] not in ('/', ''):
      values[name] = str(material / values[name])
  return program.label(*(f'--{name}={values[name]}' for name in values))


def _check_labels(program, material, flags, names=None):
  status, printed, error = _run(program, material, flags)
  assert status == 0, error
  rows = [_score(line) for line in printed.splitlines()]
  assert {int(index) for _, index, _ in rows} == {0, 1, 2}
  if names:
    assert {int(index): name for name, index, _ in rows} == dict(
      enumerate(names)
    )
  return rows


def _check_refused(program, material, flags, message):
  status, printed, error = _run(program, material, flags)
  assert status == 1, (printed, error)
  assert printed == ''
  assert re.search(message, error), error
  assert error.rstrip()[-1] in '.?'


@pytest.mark.parametrize(
  ('content', 'names'),
  [
    (_NAMES, ['cat', 'dog', 'bird']),
    ('2:bird\n0:cat\n1:dog\n', ['cat', 'dog', 'bird']),
    ('\ufeff' + _NAMES, ['cat', 'dog', 'bird']),
    ('\ufeff0:cat\r\n1:dog\r\n2:bird\r\n\r\n', ['cat', 'dog', 'bird']),
    ('  0:cat\n 1 : dog \n\t2:bird', ['cat', 'dog', 'bird']),
    ('cat\rdog\rbird\r', ['cat', 'dog', 'bird']),
    ('0:cat\n2:bird\n', ['cat', '1', 'bird']),
    ('0:cat\n1:\n2:bird\n', ['cat', '1', 'bird']),
    ('cat\n\nbird\n\n\n', ['cat', '1', 'bird']),
    ('²:cat\n²:dog\n³:bird', ['²:cat', '²:dog', '³:bird']),
    ('a:b\nKäse 12:30\n-', ['a:b', 'Käse 12:30', '-']),
  ],
)
def test_names(program, material, tmp_path, content, names):
  labels = tmp_path / 'labels.txt'
  labels.write_bytes(content.encode())
  _check_labels(program, material, {'labels': str(labels)}, names)


@pytest.mark.parametrize('content', ['background\n' + _NAMES, '1:x\n3:y\n2:z'])
def test_background(program, material, tmp_path, content):
  labels = tmp_path / 'labels.txt'
  labels.write_text(content)
  flags = {'labels': str(labels)}
  _check_refused(
    program, material, flags, 'names 4 classes, .* has 3. .* --labels_offset=1'
  )
  rows = _check_labels(program, material, flags | {'labels_offset': 1})
  assert {int(index): name for name, index, _ in rows}[0] in ('cat', 'x')


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (b'', 'is empty'),
    (b'\xef\xbb\xbf\r\n \n', 'is empty'),
    (b'0:cat\ndog\n2:bird', 'line 1 is numbered, but line 2 is not'),
    (b'cat\n1:dog\n2:bird', 'line 2 is numbered, but line 1 is not'),
    (b'0:cat\n0:dog\n1:bird', 'line 2: the label 0 is on an earlier line too'),
    (b'-1:cat\n0:dog\n1:bird', 'has the label -1. Number the classes from 0'),
    (b'0:a\n3000000000:x', 'line 2: the label 3000000000 is too large'),
    (b'0:a\n' + b'9' * 5000 + b':x', 'line 2: the label 9{20} is too large'),
    ('0:a\n²:b\n1:c'.encode(), 'line 1 is numbered, but line 2 is not'),
    ('0:caf\xe9\n'.encode('latin-1'), 'is not UTF-8 text'),
    (_NAMES.encode('utf-16'), 'is not UTF-8 text'),
    (_NAMES.encode('utf-16-le'), 'is not a file of class names'),
    (b'\xed\xa0\x80\n', 'is not UTF-8 text'),
    (b'\xc0\xaf\n', 'is not UTF-8 text'),
    (b'\xf4\x90\x80\x80\n', 'is not UTF-8 text'),
    (b'cat\ndog\n', 'names 2 classes, but the network has 3. .* add a line'),
    (b'a\nb\nc\nd\ne\n', r'names 5 classes, but the network has 3\.$'),
    (b'9999999:x', 'names 10000000 classes, but the network has 3'),
  ],
)
def test_bad_names(program, material, tmp_path, content, message):
  labels = tmp_path / 'labels.txt'
  labels.write_bytes(content)
  message = f'--labels={labels}.*{message}'
  _check_refused(program, material, {'labels': str(labels)}, message)


def _place_fifo(path):
  os.mkfifo(path)


def _place_link_to_itself(path):
  path.symlink_to(path)


def _place_device(path):
  path.symlink_to('/dev/zero')


def _place_folder(path):
  path.mkdir()


_NO_FILES = {
  'missing': (lambda path: None, '[Nn]o such file|There is no'),
  'pipe': (_place_fifo, 'not a regular file|pipe'),
  'device': (_place_device, 'not a regular file|pipe'),
  'link to itself': (_place_link_to_itself, 'symbolic links|There is no'),
}


@pytest.mark.parametrize('flag', ['image', 'graph', 'labels'])
@pytest.mark.parametrize('name', _NO_FILES)
def test_no_file(program, material, tmp_path, flag, name):
  place, message = _NO_FILES[name]
  place(tmp_path / 'x')
  _check_refused(program, material, {flag: str(tmp_path / 'x')}, message)


@pytest.mark.parametrize(
  ('flag', 'message'),
  [
    ('image', 'there are no images|is a folder'),
    ('graph', 'SavedModel|is a folder'),
    ('labels', 'is a folder'),
  ],
)
def test_empty_folder(program, material, tmp_path, flag, message):
  _check_refused(program, material, {flag: str(tmp_path)}, message)


@pytest.mark.parametrize(
  'flags',
  [
    {'top_k': 3},
    {'top_k': 2**62},
    {'input_std': 1e-6},
    {'input_mean': -1e6},
    {'input_layer': 'input', 'output_layer': 'scores'},
    {'input_layer': 'input:0', 'output_layer': 'scores:0'},
    {'input_width': 8, 'input_height': 8},
    {'graph': 'any_size.pb'},
    {'graph': 'any_size.pb', 'input_width': 1, 'input_height': 300},
    {'graph': 'fixed_batch.pb'},
    {'graph': 'gray.pb'},
    {'graph': 'any_rank.pb', 'input_width': 8, 'input_height': 8},
  ],
)
def test_what_works(program, material, flags):
  _check_labels(program, material, flags)


@pytest.mark.parametrize(
  ('flag', 'value', 'message'),
  [
    ('input_std', '0', 'must be at least 1e-06'),
    ('input_std', '-1', 'must be at least 1e-06'),
    ('input_std', '1e-320', 'must be at least 1e-06'),
    ('input_std', '1e300', 'must be at most'),
    ('input_std', 'nan', 'finite number'),
    ('input_std', 'inf', 'finite number'),
    ('input_std', '-inf', 'finite number'),
    ('input_std', 'x', 'must be a number'),
    ('input_std', '', 'must be a number'),
    ('input_mean', 'inf', 'finite number'),
    ('input_mean', 'nan', 'finite number'),
    ('input_mean', '1e39', 'must be at most'),
    ('input_mean', '-1e39', 'must be at least'),
    ('top_k', '-3', 'must be at least 1'),
    ('top_k', '0', 'must be at least 1'),
    ('top_k', '1.5', 'must be a whole number'),
    ('top_k', '²', 'must be a whole number'),
    ('top_k', '9' * 30, 'must be at most 9223372036854775807'),
    ('labels_offset', '-1', 'must be at least 0'),
    ('input_width', '0', 'must be at least 1'),
    ('input_width', '-1', 'must be at least 1'),
    ('input_height', '2147483648', 'must be at most 4096'),
    ('input_height', '4294967304', 'must be at most 4096'),
    ('input_width', '9', 'the network takes 8 pixels. Leave out --input_width'),
  ],
)
def test_numbers(program, material, flag, value, message):
  _check_refused(program, material, {flag: value}, f'--{flag}=.*{message}')


def test_wrong_flag(program, material):
  _check_refused(program, material, {'top_kk': 1}, 'Unknown .*flag.*top_kk')


def test_value_in_an_argument_of_its_own(program, material):
  status, printed, error = program.label(
    '--image', str(material / 'red.png'), '-graph', str(material / 'good.pb')
  )
  assert status == 0, error
  assert len(printed.splitlines()) == 3


@pytest.mark.parametrize('missing', ['image', 'graph'])
def test_missing_flag(program, material, missing):
  _check_refused(program, material, {missing: ''}, f'--{missing}')


@pytest.mark.parametrize(
  ('graph', 'message'),
  [
    ('cut', 'GraphDef'),
    ('garbage', 'GraphDef'),
    ('words', 'GraphDef'),
    ('empty', 'GraphDef'),
    ('unknown_op', 'NoSuchOp'),
    ('missing_node', 'absent'),
    ('loop', 'scores|cycle'),
    ('two_of_a_name', '[Nn]ame'),
    ('unfrozen', '1 variables without values'),
    ('four_channels', 'takes images with 4 channels'),
    ('flat_input', 'input has 2 dimensions'),
    ('bytes_input', 'input takes uint8 values'),
    ('two_inputs', '--input_layer is missing: .* 2 candidates, input, more'),
    ('other_outputs', '--output_layer is missing: .* 7 candidates'),
  ],
)
def test_graphs(program, material, graph, message):
  _check_refused(program, material, {'graph': f'{graph}.pb'}, message)


@pytest.mark.parametrize(
  ('graph', 'flag', 'value', 'message'),
  [
    ('good', 'input_layer', 'inputt', 'no such node. Did you mean input'),
    ('good', 'output_layer', 'score', 'no such node. Did you mean scores'),
    ('good', 'output_layer', 'scores:x', 'no such'),
    ('good', 'output_layer', 'scores:7', 'no such|not have output 7'),
    ('good', 'output_layer', ':0', 'no such'),
    ('good', 'output_layer', '^scores', 'no such'),
    ('good', 'output_layer', 'input', 'is an input of the graph'),
    ('good', 'input_layer', 'mul/y', 'is a constant'),
    ('good', 'input_layer', 'mul', 'dimensions|does not run|output of the'),
    ('two_inputs', 'input_layer', 'input', 'does not run.*more'),
    ('other_outputs', 'output_layer', 'constant', 'is a constant'),
    ('other_outputs', 'output_layer', 'best', r'int64 .*\[1\]'),
    ('other_outputs', 'output_layer', 'whole', r'int32 .*\[1, ?3\]'),
    ('other_outputs', 'output_layer', 'average', r'float(32)? .*\[\]'),
    ('other_outputs', 'output_layer', 'places', r'float.*\[1, ?1, ?1, ?3\]'),
    ('other_outputs', 'output_layer', 'words', r'string|object'),
    ('other_outputs', 'output_layer', 'nothing', r'\[1, ?0\]'),
    ('asserting', 'output_layer', 'scores', 'does not run.*cold'),
    ('nan_scores', 'output_layer', 'spoiled', 'NaN or infinite'),
  ],
)
def test_nodes(program, material, graph, flag, value, message):
  flags = {'graph': f'{graph}.pb', flag: value}
  _check_refused(program, material, flags, message)


@pytest.mark.parametrize(
  'name',
  [
    'red.jpg',
    'red.png',
    'red.gif',
    'red.bmp',
    'red.webp',
    'png_named.jpg',
    'progressive.jpg',
    'cmyk.jpg',
    'gray.jpg',
    'gray.png',
    'gray.bmp',
    'gray_alpha.png',
    'alpha.png',
    'palette.png',
    'bits.png',
    'deep.png',
    'animated.gif',
  ],
)
def test_images(cpp_or_none, python_program, material, name):
  """Both programs say the same, and all red images are alike."""
  flags = {'image': name}
  rows = _check_labels(python_program, material, flags)
  if 'gray' not in name and name not in ('bits.png', 'deep.png'):
    red = _check_labels(python_program, material, {})
    for (*row, score), (*expected, red_score) in zip(rows, red, strict=True):
      assert row == expected
      assert float(score) == pytest.approx(float(red_score), abs=0.02)
  if cpp_or_none:
    assert _check_labels(cpp_or_none, material, flags) == rows


@pytest.fixture(
  params=[False, pytest.param(True, marks=pytest.mark.slow)],
  ids=['python', 'both'],
)
def cpp_or_none(request):
  return request.getfixturevalue('cpp_program') if request.param else None


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('palette.bmp', 'BMP with a palette'),
    ('red.tiff', 'not an image|[dD]ecode|TIFF'),
    ('cut.jpg', '[dD]ecode|truncated'),
    ('cut.png', '[dD]ecode|truncated'),
    ('cut.gif', 'truncated'),
    ('cut.bmp', '[dD]ecode|truncated'),
    ('head.jpg', 'damaged|truncated'),
    ('head.png', 'truncated'),
    ('head.gif', 'truncated'),
    ('head.bmp', 'truncated'),
    ('words.jpg', 't is not an image'),
    ('empty.jpg', 'he file is empty'),
    ('bomb.jpg', '65000 x 65000 pixels are more than 200 million'),
    ('bomb.png', '60000 x 60000 pixels are more than 200 million'),
    ('bomb.gif', '60000 x 60000 pixels are more than 200 million'),
    ('bomb.bmp', '60000 x 60000 pixels are more than 200 million'),
    ('most_negative.bmp', 'pixels are more than 200 million'),
    ('no_pixels.png', 'damaged|[dD]ecode'),
  ],
)
def test_bad_images(program, material, name, message):
  _check_refused(
    program, material, {'image': name}, f'{material}/{name}.*{message}'
  )

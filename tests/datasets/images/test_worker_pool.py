import io
import os

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from datasets.conversion import image_split
from datasets.conversion.shards import RejectedImage
from datasets.images import worker, worker_pool
from datasets.images.worker import ImageFile, Inspection, Policy
from tests.datasets.made import encode, picture

PICTURE = picture(0)


def write(folder, name, data):
  path = folder / name
  path.write_bytes(data)
  return ImageFile(name, str(path))


def inspect(folder, data, **policy):
  return worker.inspect(write(folder, 'image', data), Policy(**policy))


def decode(data):
  return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize(
  ('image_format', 'mode'),
  [('JPEG', None), ('JPEG', 'L'), ('PNG', 'P'), ('PNG', 'RGBA'), ('PNG', 'L')],
)
def test_what_decoders_read_is_stored_as_it_is(tmp_path, image_format, mode):
  inspection = inspect(tmp_path, encode(PICTURE, image_format, mode))
  assert inspection.rejection_reason == ''
  assert inspection.data is None
  assert inspection.image_format == image_format.lower()
  assert (inspection.height, inspection.width) == PICTURE.shape[:2]


@pytest.mark.parametrize('image_format', ['BMP', 'GIF', 'WEBP', 'TIFF'])
def test_other_formats_become_png(tmp_path, image_format):
  data = encode(PICTURE, image_format)
  inspection = inspect(tmp_path, data)
  assert (inspection.image_format, inspection.height, inspection.width) == (
    'png',
    *PICTURE.shape[:2],
  )
  expected = np.asarray(Image.open(io.BytesIO(data)).convert('RGB'))
  np.testing.assert_array_equal(decode(inspection.data), expected)


def test_cmyk_jpeg_becomes_rgb_jpeg(tmp_path):
  large = picture(0, 90, 120)
  data = encode(large, mode='CMYK', quality=95)
  inspection = inspect(tmp_path, data)
  assert inspection.image_format == 'jpeg'
  stored = decode(inspection.data)
  assert stored.shape == large.shape
  assert np.abs(stored.astype(int) - large).mean() < 6


def test_16_bit_tiff_is_scaled_not_clipped(tmp_path):
  deep = (np.arange(20 * 30).reshape(20, 30) * 100).astype(np.uint16)
  inspection = inspect(tmp_path, encode(deep, 'TIFF'))
  np.testing.assert_array_equal(decode(inspection.data), deep >> 8)


@pytest.mark.parametrize('image_format', ['JPEG', 'PNG'])
def test_long_side_is_shrunk(tmp_path, image_format):
  data = encode(picture(0, 100, 300), image_format)
  inspection = inspect(tmp_path, data, max_side=64)
  assert (inspection.height, inspection.width) == (21, 64)
  assert decode(inspection.data).shape == (21, 64, 3)
  assert inspection.image_format == image_format.lower()
  assert inspect(tmp_path, data, max_side=300).data is None


def test_bomb_is_refused_by_its_header(tmp_path):
  data = bytearray(encode(PICTURE, 'GIF'))
  data[6:10] = b'\xff\xff\xff\xff'  # 65535 x 65535 pixels
  for bomb in (bytes(data), encode(PICTURE, 'PNG')):
    inspection = inspect(tmp_path, bomb, max_pixels=599)
    assert 'more than --max_image_pixels=599' in inspection.rejection_reason


def test_what_cannot_be_read_is_refused_with_a_reason(tmp_path):
  pipe = tmp_path / 'pipe.jpg'
  os.mkfifo(pipe)
  (tmp_path / 'link.jpg').symlink_to('nowhere')
  (tmp_path / 'folder.jpg').mkdir()
  for name, reason in (
    ('pipe.jpg', 'not a regular file'),
    ('link.jpg', 'No such file'),
    ('folder.jpg', 'not a regular file'),
  ):
    file = ImageFile(name, str(tmp_path / name))
    assert reason in worker.inspect(file, Policy()).rejection_reason


def test_missing_pillow_is_said_and_how_to_get_it(tmp_path, monkeypatch):
  import sys

  monkeypatch.setitem(sys.modules, 'PIL.Image', None)
  inspection = inspect(tmp_path, b'GIF89a' + bytes(20))
  assert 'pip install ".[images]"' in inspection.rejection_reason


def many_files(folder, count):
  files = []
  for index in range(count):
    kind = ('JPEG', 'PNG', 'BMP')[index % 3]
    data = encode(picture(index % 7), kind) if index % 50 else b'text'
    files.append(write(folder, f'{index:04}', data))
  return files


def test_processes_say_what_one_process_says(tmp_path):
  files = many_files(tmp_path, 400)
  alone = worker_pool.ImagePool(Policy(), 1)
  together = worker_pool.ImagePool(Policy(), 2)
  try:
    assert list(together.inspect(files)) == list(alone.inspect(files))
    assert together._workers
  finally:
    together.close()


def test_image_that_kills_its_process_is_refused(tmp_path, monkeypatch):
  """A decoder that crashes takes its process along, not the conversion."""
  files = many_files(tmp_path, 300)
  killer = files[101].name  # has to be re-encoded
  monkeypatch.setattr(
    worker_pool,
    '_START',
    'import os, sys; sys.path.insert(0, sys.argv[1]);'
    'from datasets.images import worker as w; inspect = w.inspect;'
    f'w.inspect = lambda f, p: os._exit(9) if f.name == {killer!r} '
    'else inspect(f, p); w.main()',
  )
  pool = worker_pool.ImagePool(Policy(), 2)
  try:
    inspections = list(pool.inspect(files))
  finally:
    pool.close()
  assert inspections[101] == Inspection('it crashes the decoder')
  others = [worker.inspect(file, Policy()) for file in files]
  del inspections[101], others[101]
  assert inspections == others


def samples_of(files):
  pool = worker_pool.ImagePool(Policy(), 1)
  return list(
    image_split.ImageSplit(pool, files, lambda file: (1, None)).read(
      0, len(files)
    )
  )


def test_damaged_image_is_kept_if_tensorflow_decodes_it(tmp_path):
  text = PngInfo()
  text.add_text('Comment', 'decoders pass over it')
  damaged = bytearray(encode(PICTURE, 'PNG', pnginfo=text))
  damaged[damaged.index(b'decoders')] ^= 1
  questionable = write(tmp_path, 'questionable', bytes(damaged))
  cut = write(tmp_path, 'cut', encode(PICTURE)[:-30])
  kept, refused = samples_of([questionable, cut])
  assert worker.inspect(questionable, Policy()).warning
  assert kept.encoded == bytes(damaged)
  assert refused == RejectedImage('cut', 'the file is truncated')


def test_reading_may_start_at_any_shard(tmp_path):
  files = many_files(tmp_path, 30)
  pool = worker_pool.ImagePool(Policy(), 1)
  split = image_split.ImageSplit(pool, files, lambda file: (1, None))
  whole = samples_of(files)
  assert [*split.read(0, 10), *split.read(10, 20)] == whole[:20]
  assert list(split.read(25, 30)) == whole[25:]

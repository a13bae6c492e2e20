import os
import resource

import pytest
from PIL import Image

from datasets.images import contact_sheet
from slim_support.errors import UserError
from tests.datasets import made

IMAGES = [(made.encode(made.picture(n)), f'class {n}') for n in range(9)]


@pytest.mark.parametrize('name', ['a.png', 'a.JPG', 'a.b.jpeg'])
def test_sheet_has_the_format_of_its_name(tmp_path, name):
  path = tmp_path / name
  contact_sheet.draw(IMAGES, str(path))
  with Image.open(path) as sheet:
    assert sheet.format == contact_sheet.image_format(name)
    assert sheet.size == (8 * 134, 2 * 148)


def test_what_cannot_be_drawn_is_red(tmp_path):
  huge = bytearray(made.encode(made.picture(0), 'GIF'))
  huge[6:10] = b'\xff\xff\xff\xff'
  odd = [b'', b'text', IMAGES[0][0][:100], bytes(huge)]
  path = tmp_path / 'a.png'
  contact_sheet.draw([(data, '\u732b\udcff') for data in odd], str(path))
  with Image.open(path) as sheet:
    assert sheet.getpixel((64, 64)) == (255, 0, 0)


def test_no_images(tmp_path):
  contact_sheet.draw([], str(tmp_path / 'a.png'))


@pytest.mark.parametrize('name', ['a.foo', 'a', '.png', 'png', 'a.png/', 'a.'])
def test_unknown_extension_is_refused(tmp_path, name):
  with pytest.raises(UserError, match=r'does not end in \.png, \.jpg'):
    contact_sheet.draw(IMAGES, os.path.join(tmp_path, name))
  assert os.listdir(tmp_path) == []


def test_full_disk_keeps_the_old_sheet(tmp_path):
  path = tmp_path / 'a.png'
  path.write_bytes(b'old')
  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
  try:
    with pytest.raises(UserError, match='a.png cannot be written'):
      contact_sheet.draw(IMAGES, str(path))
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
  assert made.folder_bytes(tmp_path) == {'a.png': b'old'}

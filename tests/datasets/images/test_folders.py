"""Folders of images with odd names, links, pipes and missing rights."""

import os

import pytest

from datasets import converted, dataset_factory, download_and_convert_folder
from datasets.conversion import engine
from datasets.images import folders
from slim_support.errors import UserError
from tests.datasets import made
from tests.datasets.test_damage import open_to_everybody, without_root
from tests.datasets.test_folder import convert, filenames, fill


@pytest.fixture
def images(tmp_path):
  fill(tmp_path / 'in', count=6)
  open_to_everybody(tmp_path)
  return tmp_path / 'in'


def odd_names(folder):
  """Puts files and folders with odd names into a class folder."""
  photo = made.encode(made.picture(3))
  broken = os.fsdecode(b'\xff\xfe.jpg')
  (folder / 'cat' / broken).write_bytes(b'not an image')
  for name in (os.fsdecode(b'\xe9.jpg'), 'tab\t.jpg', '-rf.jpg', '%s{}.jpg'):
    (folder / 'cat' / name).write_bytes(photo)
  (folder / 'cat' / os.fsdecode(b'deep\xff')).mkdir()
  (folder / 'cat' / os.fsdecode(b'deep\xff') / 'a.jpg').write_bytes(photo)


@pytest.mark.parametrize('num_workers', [1, 2])
def test_names_that_are_not_utf_8(images, tmp_path, num_workers):
  odd_names(images)
  if num_workers > 1:
    fill(images, count=300)
  options = engine.Options(
    image_dir=str(images), num_workers=num_workers, skip_bad_images=True
  )
  output = tmp_path / 'out'
  download_and_convert_folder.run(str(output), options)
  listed = (output / 'bad_images.txt').read_bytes().decode()
  assert listed.startswith('cat/\\udcff\\udcfe.jpg\tit is not an image')
  names = {
    **filenames(str(output), 'train'),
    **filenames(str(output), 'validation'),
  }
  assert {'cat/\\udce9.jpg', 'cat/tab\t.jpg', 'cat/deep\\udcff/a.jpg'} < {
    *names
  }
  before = made.folder_bytes(output)
  download_and_convert_folder.run(str(output), options)
  assert made.folder_bytes(output) == before
  converted.read_metadata(str(output))


def test_dataset_dir_that_is_not_utf_8(images, tmp_path):
  odd = tmp_path / os.fsdecode(b'out\xff')
  with pytest.raises(UserError, match='not valid UTF-8'):
    convert(images, odd)
  with pytest.raises(UserError, match='not valid UTF-8'):
    dataset_factory.check_dataset('folder', 'train', str(odd))


def test_image_dir_that_is_not_utf_8(images, tmp_path):
  odd = tmp_path / os.fsdecode(b'in\xff')
  images.rename(odd)
  output = convert(odd, tmp_path / 'out')
  assert dataset_factory.get_num_classes('folder', output) == 2


def test_links_to_themselves(images, tmp_path):
  for path in ('loop', 'cat/loop', 'cat/loop.jpg'):
    (images / path).symlink_to(images / path)
  contents = folders.find(str(images))
  assert len(contents.images) == 12
  assert [name for name, _ in contents.unreadable] == [
    'cat/loop', 'cat/loop.jpg'
  ]  # fmt: skip
  with pytest.raises(UserError, match='2 bad images') as error:
    convert(images, tmp_path / 'out')
  assert 'Too many levels of symbolic links' in str(error.value)
  convert(images, tmp_path / 'out', skip_bad_images=True)


def test_pipes_and_devices_are_no_images(images, tmp_path):
  os.mkfifo(images / 'cat/pipe.jpg')
  os.mkfifo(images / 'cat/pipe')
  (images / 'cat/zero.jpg').symlink_to('/dev/zero')
  (images / 'cat/zero').symlink_to('/dev/zero')
  with pytest.raises(UserError, match='2 bad images') as error:
    convert(images, tmp_path / 'out')
  assert 'cat/pipe.jpg: it is not a regular file' in str(error.value)


@pytest.mark.parametrize('name', ['cat/1.jpg', 'cat/deep', 'cat', '.'])
def test_what_must_not_be_read(images, tmp_path, name):
  (images / 'cat/deep').mkdir()
  output = tmp_path / 'out'
  output.mkdir()
  output.chmod(0o777)
  (images / name).chmod(0)
  try:
    with without_root(), pytest.raises(UserError, match='cannot be read: Perm'):
      convert(images, output)
  finally:
    (images / name).chmod(0o755)
  assert made.folder_bytes(output) == {}


@pytest.mark.parametrize('kind', ['file', 'pipe', 'device', 'loop', 'empty'])
def test_image_dir_that_is_no_folder(tmp_path, kind):
  path = tmp_path / 'in'
  {
    'file': lambda: path.write_bytes(b''),
    'pipe': lambda: os.mkfifo(path),
    'device': lambda: path.symlink_to('/dev/zero'),
    'loop': lambda: path.symlink_to(path),
    'empty': path.mkdir,
  }[kind]()
  with pytest.raises(UserError) as error:
    convert(path, tmp_path / 'out')
  assert str(error.value).endswith('.')


def test_moves_that_were_damaged_do_not_matter(images, tmp_path):
  output = convert(images, tmp_path / 'out')
  path = tmp_path / 'out/dataset.json'
  metadata = converted.read_metadata(output)
  metadata['moved'] = {image.key: 'nowhere' for image in folders.find(
    str(images)
  ).images}  # fmt: skip
  converted.write_metadata(metadata, output)
  path.touch()
  convert(images, output, num_shards=2)
  assert len(filenames(output, 'train')) >= 2

"""MNIST, CIFAR-10, flowers and digits, from archives in the true formats."""

import dataclasses
import gzip
import hashlib
import os

import numpy as np
import pytest

from datasets import (
  converted,
  dataset_factory,
  download_and_convert_cifar10,
  download_and_convert_flowers,
  download_and_convert_mnist,
)
from datasets.conversion import engine
from slim_support.errors import UserError
from tests.datasets import made

OPTIONS = engine.Options(retry_policy=made.FAST_RETRY, num_workers=1)
NAMES = {
  'train': ('train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'),
  'test': ('t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz'),
}


def mnist_source(server, counts=(('train', 60), ('test', 20))):
  files = {}
  for split, count in counts:
    arrays = made.mnist_arrays(count, seed=count)
    files[split] = tuple(
      server.download(name, made.idx_gz(array))
      for name, array in zip(NAMES[split], arrays, strict=True)
    )
  return download_and_convert_mnist.make_source(files)


def flowers_source(server, data=None, num_validation=4):
  download = server.download('flower_photos.tgz', data or made.flowers_tgz())
  return download_and_convert_flowers.make_source(
    OPTIONS, download=download, num_validation=num_validation
  )


def cifar_source(server):
  data, arrays = made.cifar_tar()
  download = server.download('cifar-10-binary.tar.gz', data)
  return download_and_convert_cifar10.make_source(download=download), arrays


def sources(server):
  return {
    'mnist': mnist_source(server),
    'flowers': flowers_source(server),
    'cifar10': cifar_source(server)[0],
  }


def test_mnist_comes_back_right(server, tmp_path):
  engine.convert(mnist_source(server), str(tmp_path), OPTIONS)
  dataset = dataset_factory.get_dataset('mnist', 'test', str(tmp_path))
  images, labels = made.mnist_arrays(20, seed=20)
  samples = made.read_split(dataset)
  np.testing.assert_array_equal(
    np.stack([image for image, _ in samples]), images[..., None]
  )
  assert [label for _, label in samples] == list(labels)
  assert dataset.num_samples == 20
  assert dataset.labels_to_names[3] == 'three'
  assert sorted(os.listdir(tmp_path)) == [
    'dataset.json',
    'labels.txt',
    'mnist_test.tfrecord',
    'mnist_train.tfrecord',
  ]


def test_cifar10_comes_back_right(server, tmp_path):
  source, arrays = cifar_source(server)
  engine.convert(source, str(tmp_path), OPTIONS)
  dataset = dataset_factory.get_dataset('cifar10', 'train', str(tmp_path))
  samples = made.read_split(dataset)
  batches = [arrays[f'data_batch_{number}.bin'] for number in range(1, 6)]
  np.testing.assert_array_equal(
    np.stack([image for image, _ in samples]),
    np.concatenate([images for images, _ in batches]),
  )
  np.testing.assert_array_equal(
    [label for _, label in samples],
    np.concatenate([labels for _, labels in batches]),
  )
  assert dataset.labels_to_names[0] == 'airplane'


def test_flowers_come_back_right(server, tmp_path):
  engine.convert(flowers_source(server), str(tmp_path), OPTIONS)
  samples = []
  for split, count in (('train', 8), ('validation', 4)):
    dataset = dataset_factory.get_dataset('flowers', split, str(tmp_path))
    assert dataset.num_samples == count
    assert len(dataset.data_sources) == min(5, count)
    samples += made.read_split(dataset)
  assert dataset.labels_to_names == {0: 'daisy', 1: 'roses', 2: 'tulips'}
  for image, label in samples:
    near = [
      np.abs(image.astype(int) - made.picture(10 * label + index)).mean()
      for index in range(4)
    ]
    assert min(near) < 12  # JPEG changes pixels a little
  assert sorted(label for _, label in samples) == sorted(4 * [0, 1, 2])


def test_flowers_do_not_depend_on_the_order_in_the_archive(server, tmp_path):
  for name, order in (('a', 1), ('b', -1)):
    source = flowers_source(server, made.flowers_tgz(order=order))
    engine.convert(source, str(tmp_path / name), OPTIONS)
  assert made.folder_bytes(tmp_path / 'a') == made.folder_bytes(tmp_path / 'b')


def test_flowers_split_of_names_is_that_of_every_machine(server, tmp_path):
  """Pins the split: a change of it would mix training with validation."""
  source = flowers_source(server)
  engine.convert(source, str(tmp_path), OPTIONS)
  dataset = dataset_factory.get_dataset('flowers', 'validation', str(tmp_path))
  labels = [int(label) for _, label in made.read_split(dataset)]
  assert labels == [0, 2, 2, 1]


@pytest.mark.parametrize('name', ['mnist', 'flowers', 'cifar10'])
def test_interrupted_download_and_second_run(server, tmp_path, name):
  """A connection that breaks for good; the next run goes on and is right."""
  source = sources(server)[name]
  undisturbed = tmp_path / 'undisturbed'
  engine.convert(source, str(undisturbed), OPTIONS)
  page = server.pages[f'/{source.downloads[0].filename}']
  page.breaks_after = [500] + 10 * [0]
  folder = tmp_path / 'disturbed'
  with pytest.raises(UserError, match='the connection broke'):
    engine.convert(source, str(folder), OPTIONS)
  assert [path.name for path in folder.iterdir()] == ['.conversion']
  page.breaks_after = []
  server.requests.clear()
  engine.convert(source, str(folder), OPTIONS)
  assert server.requests[0][1].startswith('bytes=500')
  assert made.folder_bytes(folder) == made.folder_bytes(undisturbed)


@pytest.mark.parametrize('name', ['mnist', 'flowers', 'cifar10'])
def test_flipped_byte_is_refused(server, tmp_path, name):
  source = sources(server)[name]
  page = server.pages[f'/{source.downloads[-1].filename}']
  page.data = page.data[:20] + bytes([page.data[20] ^ 1]) + page.data[21:]
  (tmp_path / 'precious').write_bytes(b'stays')
  with pytest.raises(UserError) as error:
    engine.convert(source, str(tmp_path), OPTIONS)
  assert source.downloads[-1].sha256 in str(error.value)
  assert hashlib.sha256(page.data).hexdigest() in str(error.value)
  assert (tmp_path / 'precious').read_bytes() == b'stays'
  assert not (tmp_path / 'dataset.json').exists()


def test_placed_archives_are_used_and_stay(server, tmp_path):
  source = flowers_source(server)
  placed = tmp_path / 'flower_photos.tgz'
  placed.write_bytes(made.flowers_tgz())
  engine.convert(source, str(tmp_path), OPTIONS)
  assert server.requests == []
  assert placed.exists()


def test_downloads_are_kept_on_request(server, tmp_path):
  options = dataclasses.replace(OPTIONS, keep_downloads=True)
  source, _ = cifar_source(server)
  engine.convert(source, str(tmp_path), options)
  assert (tmp_path / 'cifar-10-binary.tar.gz').exists()
  assert not (tmp_path / '.conversion').exists()


@pytest.mark.parametrize(
  ('data', 'reason'),
  [
    (
      gzip.compress(b'\0\0\x08\x01' + bytes(20)),
      'not an IDX file with 3 dimensions',
    ),
    (gzip.compress(b'\0\0'), 'not an IDX file'),
    (
      made.idx_gz(np.zeros((3, 28, 28), np.uint8))[:-9],
      'not an archive of its kind',
    ),
    (
      gzip.compress(
        gzip.decompress(made.idx_gz(np.zeros((3, 28, 28), np.uint8)))[:-5]
      ),
      'its header states 3 x 28 x 28',
    ),
    (made.idx_gz(np.zeros((3, 28, 28), np.uint8)), '10 labels'),
    (made.idx_gz(np.zeros((10, 5, 5), np.uint8)), 'expected one label'),
  ],
)
def test_wrong_mnist_files_are_named(server, tmp_path, data, reason):
  source = mnist_source(server, (('train', 10),))
  wrong = server.download(NAMES['train'][0], data)
  source = download_and_convert_mnist.make_source(
    {'train': (wrong, source.downloads[1])}
  )
  with pytest.raises(UserError, match=reason):
    engine.convert(source, str(tmp_path), OPTIONS)


def test_wrong_cifar10_files_are_named(server, tmp_path):
  good = made.cifar_tar()[0]
  for members, reason in (
    ({'data_batch_1.bin': bytes(3073)}, 'lacks data_batch_2.bin'),
    ({'data_batch_1.bin': bytes(3000)}, 'not a multiple of the 3073'),
    ({'../data_batch_1.bin': bytes(3073)}, 'refused'),
  ):
    download = server.download('a.tar.gz', made.tar_bytes(members))
    source = download_and_convert_cifar10.make_source(download=download)
    with pytest.raises(UserError, match=reason):
      engine.convert(source, str(tmp_path), OPTIONS)
  download = server.download('b.tar.gz', good[:-200])
  source = download_and_convert_cifar10.make_source(download=download)
  with pytest.raises(UserError, match='not an archive of its kind'):
    engine.convert(source, str(tmp_path / 'cut'), OPTIONS)


def test_damaged_archive_of_an_earlier_run_is_downloaded_again(
  server, tmp_path
):
  source, _ = cifar_source(server)
  (tmp_path / '.conversion').mkdir()
  (tmp_path / '.conversion/cifar-10-binary.tar.gz').write_bytes(b'<html>')
  engine.convert(source, str(tmp_path), OPTIONS)
  assert (tmp_path / 'dataset.json').exists()


@pytest.mark.parametrize(
  'name', ['../flower_photos/a/b.jpg', '/flower_photos/a/b.jpg']
)
def test_hostile_flowers_are_refused(server, tmp_path, name):
  source = flowers_source(server, made.tar_bytes({name: b'x'}))
  with pytest.raises(UserError, match='refused'):
    engine.convert(source, str(tmp_path), OPTIONS)


def test_published_facts():
  """The sizes and checksums that the sources state."""
  assert download_and_convert_flowers.DOWNLOAD.size == 228813984
  assert download_and_convert_cifar10.DOWNLOAD.sha256.startswith('c4a38c50')
  mnist = download_and_convert_mnist.make_source().downloads
  assert [file.size for file in mnist] == [9912422, 28881, 1648877, 4542]
  assert all(len(file.urls) == 2 for file in mnist)
  for file in (*mnist, download_and_convert_cifar10.DOWNLOAD):
    assert len(file.sha256) == 64


def test_digits_are_the_real_ones(digits_dir):
  from sklearn.datasets import load_digits

  written = converted.read_metadata(digits_dir)
  assert written['splits']['train']['num_samples'] == 1500
  per_class = written['splits']['test']['samples_per_class'].values()
  assert sum(per_class) == 297
  assert max(per_class) - min(per_class) <= 1
  dataset = dataset_factory.get_dataset('digits', 'test', digits_dir)
  samples = made.read_split(dataset)
  digits = load_digits()
  means = digits.images.mean(axis=(1, 2)) * 255 / 16 * 20**2 / 28**2
  for image, label in samples[:50]:
    assert image.shape == (28, 28, 1)
    same = means[digits.target == label]
    assert np.abs(same - image.mean()).min() < 2

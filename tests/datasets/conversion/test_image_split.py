"""The split of a folder's images, without any files."""

import collections

import pytest

from datasets import download_and_convert_folder
from datasets.images import folders


def found_image(class_name, index):
  key = f'{class_name}/{index}.jpg'
  position = folders.split_position_of(key)
  return folders.FoundImage(None, class_name, key, position, 1, 0.0)


@pytest.mark.parametrize('fraction', [0.0, 0.1, 0.5])
def test_every_class_is_split_by_the_fraction(fraction):
  found = [
    found_image(name, index)
    for name in ('a', 'b', 'c')
    for index in range(2000)
  ]
  splits, moved = download_and_convert_folder.split_images(found, fraction)
  counts = collections.Counter(i.class_name for i in splits['validation'])
  assert moved == {}
  for name in ('a', 'b', 'c'):
    assert abs(counts[name] - 2000 * fraction) < 60


@pytest.mark.parametrize('fraction', [0.1, 0.9])
def test_small_classes_are_in_both_splits(fraction):
  found = [
    found_image(str(name), index) for name in range(50) for index in range(2)
  ]
  splits, moved = download_and_convert_folder.split_images(found, fraction)
  for part in splits.values():
    assert len({image.class_name for image in part}) == 50
  again, still = download_and_convert_folder.split_images(
    found[:60], fraction, moved
  )
  assert set(still) <= set(moved)
  for name, part in again.items():
    assert set(part) <= set(splits[name])


def test_class_of_one_image_is_for_training():
  found = [found_image(str(name), 0) for name in range(20)]
  splits, _ = download_and_convert_folder.split_images(found, 0.5)
  assert len(splits['train']) == 20

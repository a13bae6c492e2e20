"""Folder: your own images, converted with `--dataset_name=folder`.

The conversion finds the classes and counts the images; it writes both to
labels.txt and dataset.json beside the shards.
"""

from datasets import classification

SPEC = classification.ClassificationSpec(
  name='folder',
  splits={'train': None, 'validation': None},
  num_classes=None,
  file_patterns=('folder_%s-*.tfrecord',),
  conversion_command=(
    'python download_and_convert_data.py --dataset_name=folder '
    '--image_dir=IMAGES --dataset_dir={dataset_dir}'
  ),
)

get_split = SPEC.get_split

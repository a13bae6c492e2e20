"""A folder of your own images, as `--dataset_name=folder` converts it.

Classes and counts are whatever the conversion found; they stand in labels.txt
and dataset.json beside the shards.
"""

from datasets import classification

SPEC = classification.ClassificationSpec(
  name='folder',
  splits={'train': None, 'validation': None},
  num_classes=None,
  file_patterns=('folder_%s-*.tfrecord',),
  command=(
    'python download_and_convert_data.py --dataset_name=folder '
    '--image_dir=IMAGES --dataset_dir={dataset_dir}'
  ),
)

get_split = SPEC.get_split

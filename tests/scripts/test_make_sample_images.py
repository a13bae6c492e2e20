"""Sample images, which the converter of folders takes as they are."""

import json

from PIL import Image


def test_images_can_be_converted(run_script, tmp_path):
  images, records = tmp_path / 'images', tmp_path / 'records'
  made = run_script(
    'scripts/make_sample_images.py',
    f'--output_dir={images}',
    '--images_per_class=4',
  )
  assert made.returncode == 0, made.stderr
  assert len([*images.glob('*/*.jpg')]) == 8
  with Image.open(images / 'china' / '0.jpg') as image:
    assert image.size == (200, 200)
  converted = run_script(
    'download_and_convert_data.py',
    '--dataset_name=folder',
    f'--image_dir={images}',
    f'--dataset_dir={records}',
  )
  assert converted.returncode == 0, converted.stderr
  metadata = json.loads((records / 'dataset.json').read_text())
  assert metadata['num_classes'] == 2


def test_output_dir_is_required(run_script):
  result = run_script('scripts/make_sample_images.py')
  assert result.returncode == 1
  assert '--output_dir is missing' in result.stderr

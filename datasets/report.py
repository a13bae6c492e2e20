"""What a converted split holds: counts, sizes, and a sheet of its images."""

import collections
import dataclasses
import io
import random
import statistics

import tensorflow.compat.v1 as tf

import slim_errors
from datasets import dataset_utils, image_headers

_SEED = 0
_LISTED_SIZES = 5
_BAR = 30
_TILE, _CAPTION, _GAP = 128, 14, 6


@dataclasses.dataclass
class Report:
  """The figures of a split.

  Attributes:
    num_files: how many files there are.
    labels: label -> number of images.
    formats: format -> number of images.
    sizes: (height, width) -> number of images.
    num_bytes: of all encoded images.
    damaged: what is wrong with images -> how many.
    samples: (encoded image, label) of some images, drawn by chance.
  """

  num_files: int = 0
  labels: collections.Counter = dataclasses.field(
    default_factory=collections.Counter
  )
  formats: collections.Counter = dataclasses.field(
    default_factory=collections.Counter
  )
  sizes: collections.Counter = dataclasses.field(
    default_factory=collections.Counter
  )
  num_bytes: int = 0
  damaged: collections.Counter = dataclasses.field(
    default_factory=collections.Counter
  )
  samples: list = dataclasses.field(default_factory=list)

  @property
  def num_images(self) -> int:
    """How many images there are."""
    return sum(self.labels.values())


def read(dataset, num_samples: int) -> Report:
  """Reads a whole split.

  Args:
    dataset: a tf-slim `Dataset` of this library.
    num_samples: how many images to keep for a sheet.

  Raises:
    UserError: if a file is damaged.
  """
  chance = random.Random(_SEED)
  files = dataset_utils.list_files(dataset)
  report = Report(num_files=len(files))
  for path in files:
    for record in _records(path):
      features = tf.train.Example.FromString(record).features.feature
      data = features[dataset.image_key].bytes_list.value[0]
      label = features[dataset.label_key].int64_list.value[0]
      _add(report, data, label)
      # Each image is as likely as any other to be among those kept.
      place = chance.randrange(report.num_images)
      if len(report.samples) < num_samples:
        report.samples.append((data, label))
      elif place < num_samples:
        report.samples[place] = (data, label)
  return report


def _records(path: str):
  """Yields the records of a file."""
  count = 0
  try:
    for record in tf.python_io.tf_record_iterator(path):
      yield record
      count += 1
  except tf.errors.DataLossError as error:
    raise slim_errors.UserError(
      f'{path} is damaged after record {count}: convert the data set again.'
    ) from error


def _add(report: Report, data: bytes, label: int):
  report.labels[label] += 1
  report.num_bytes += len(data)
  try:
    header = image_headers.read_header(data)
  except image_headers.BadImage as error:
    report.damaged[str(error)] += 1
    return
  report.formats[header.image_format] += 1
  report.sizes[header.height, header.width] += 1
  if header.doubt:
    report.damaged[header.doubt] += 1


def describe(report: Report, dataset) -> str:
  """Returns the report in words and columns.

  Args:
    report: what `read` returned.
    dataset: the `Dataset` it was read from.
  """
  lines = [
    f'{dataset.name}, {dataset.split_name}: {report.num_images} images in '
    f'{report.num_files} files, {report.num_bytes / 1e6:.1f} MB.'
  ]
  if report.num_images != dataset.num_samples:
    lines.append(
      f'Warning: the data set is said to have {dataset.num_samples} images.'
    )
  lines += _class_lines(report, dataset)
  lines += _size_lines(report)
  for reason, count in report.damaged.most_common():
    lines.append(f'Warning: {count} damaged images: {reason}.')
  return '\n'.join(lines)


def _class_lines(report: Report, dataset) -> list[str]:
  names = dataset.labels_to_names or {}
  labels = sorted({*report.labels, *names})
  width = max([len('class'), *(len(str(names.get(k, ''))) for k in labels)])
  most = max([1, *report.labels.values()])
  lines = ['', f'{"label":>5}  {"class":{width}}  {"images":>8}']
  for label in labels:
    count = report.labels[label]
    bar = '#' * round(_BAR * count / most)
    lines.append(
      f'{label:5}  {names.get(label, ""):{width}}  {count:8}  {bar}'.rstrip()
    )
  wrong = [k for k in report.labels if not 0 <= k < dataset.num_classes]
  if wrong:
    count = sum(report.labels[label] for label in wrong)
    lines.append(
      f'Warning: {count} images have labels outside of 0 to '
      f'{dataset.num_classes - 1}: {sorted(wrong)[:10]}.'
    )
  return lines


def _size_lines(report: Report) -> list[str]:
  lines = ['']
  for name, counts in (
    ('height', _marginal(report.sizes, 0)),
    ('width', _marginal(report.sizes, 1)),
  ):
    if counts:
      values = sorted(counts.elements())
      lines.append(
        f'{name:8}{values[0]} to {values[-1]} pixels, '
        f'median {statistics.median(values):g}'
      )
  common = ', '.join(
    f'{height} x {width}: {count}'
    for (height, width), count in report.sizes.most_common(_LISTED_SIZES)
  )
  lines.append(f'{"sizes":8}{common}')
  formats = ', '.join(f'{k}: {n}' for k, n in report.formats.most_common())
  lines.append(f'{"formats":8}{formats}')
  return lines


def _marginal(sizes, axis: int) -> collections.Counter:
  counts = collections.Counter()
  for size, count in sizes.items():
    counts[size[axis]] += count
  return counts


def draw_sheet(report: Report, dataset, path: str):
  """Writes a PNG of the kept images, each with its class below.

  Args:
    report: what `read` returned.
    dataset: the `Dataset` it was read from.
    path: where to write.

  Raises:
    UserError: if Pillow is not installed.
  """
  pillow = slim_errors.import_extra('PIL.Image', 'images')
  drawing = slim_errors.import_extra('PIL.ImageDraw', 'images')
  names = dataset.labels_to_names or {}
  columns = max(1, min(8, len(report.samples)))
  rows = max(1, -(-len(report.samples) // columns))
  step_x, step_y = _TILE + _GAP, _TILE + _CAPTION + _GAP
  sheet = pillow.new('RGB', (columns * step_x, rows * step_y), 'white')
  canvas = drawing.Draw(sheet)
  by_label = sorted(report.samples, key=lambda sample: sample[1])
  for index, (data, label) in enumerate(by_label):
    left, top = index % columns * step_x, index // columns * step_y
    image = _thumbnail(pillow, data)
    sheet.paste(
      image,
      (left + (_TILE - image.width) // 2, top + (_TILE - image.height) // 2),
    )
    caption = str(names.get(label, label))[:20]
    try:
      canvas.text((left + 2, top + _TILE), caption, fill='black')
    except UnicodeEncodeError:  # the font of old Pillows has no such letters
      canvas.text((left + 2, top + _TILE), str(label), fill='black')
  sheet.save(path)


def _thumbnail(pillow, data: bytes):
  """Returns an image that fits a tile, enlarged if it is tiny."""
  try:
    image = pillow.open(io.BytesIO(data)).convert('RGB')
  except OSError:
    return pillow.new('RGB', (_TILE, _TILE), 'red')
  scale = _TILE / max(image.size)
  size = tuple(max(1, round(side * scale)) for side in image.size)
  return image.resize(size, pillow.NEAREST if scale > 1 else pillow.BILINEAR)

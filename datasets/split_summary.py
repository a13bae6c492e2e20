"""What a converted split holds: counts, sizes, and a sheet of its images."""

import collections
import dataclasses
import io
import random
import statistics

from datasets import reading
from datasets.images import headers
from slim_support import errors, files

_SEED = 0
_LISTED_SIZES = 5
_BAR = 30
_TILE, _CAPTION, _GAP = 128, 14, 6


@dataclasses.dataclass
class SplitSummary:
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


def read(dataset, num_samples: int) -> SplitSummary:
  """Reads a whole split.

  Args:
    dataset: a tf-slim `Dataset` of this library.
    num_samples: how many images to keep for a sheet.

  Raises:
    UserError: if a file is damaged.
  """
  chance = random.Random(_SEED)
  summary = SplitSummary(num_files=len(reading.list_files(dataset)))
  for record in reading.records(dataset):
    _add(summary, record.encoded, record.label)
    # Each image is as likely as any other to be among those kept.
    place = chance.randrange(summary.num_images)
    sample = (record.encoded, record.label)
    if len(summary.samples) < num_samples:
      summary.samples.append(sample)
    elif place < num_samples:
      summary.samples[place] = sample
  return summary


def _add(summary: SplitSummary, data: bytes, label: int):
  summary.labels[label] += 1
  summary.num_bytes += len(data)
  try:
    header = headers.read_header(data)
  except headers.BadImage as error:
    summary.damaged[str(error)] += 1
    return
  summary.formats[header.image_format] += 1
  summary.sizes[header.height, header.width] += 1
  if header.doubt:
    summary.damaged[header.doubt] += 1


def describe(summary: SplitSummary, dataset) -> str:
  """Returns the summary in words and columns.

  Args:
    summary: what `read` returned.
    dataset: the `Dataset` it was read from.
  """
  lines = [
    f'{dataset.name}, {dataset.split_name}: {summary.num_images} images in '
    f'{summary.num_files} files, {summary.num_bytes / 1e6:.1f} MB.'
  ]
  if summary.num_images != dataset.num_samples:
    lines.append(
      f'Warning: the data set is said to have {dataset.num_samples} images.'
    )
  lines += _class_lines(summary, dataset)
  lines += _size_lines(summary)
  for reason, count in summary.damaged.most_common():
    lines.append(f'Warning: {count} damaged images: {reason}.')
  return '\n'.join(lines)


def _class_lines(summary: SplitSummary, dataset) -> list[str]:
  names = dataset.labels_to_names or {}
  labels = sorted({*summary.labels, *names})
  width = max([len('class'), *(len(str(names.get(k, ''))) for k in labels)])
  most = max([1, *summary.labels.values()])
  lines = ['', f'{"label":>5}  {"class":{width}}  {"images":>8}']
  for label in labels:
    count = summary.labels[label]
    bar = '#' * round(_BAR * count / most)
    lines.append(
      f'{label:5}  {names.get(label, ""):{width}}  {count:8}  {bar}'.rstrip()
    )
  wrong = [k for k in summary.labels if not 0 <= k < dataset.num_classes]
  if wrong:
    count = sum(summary.labels[label] for label in wrong)
    lines.append(
      f'Warning: {count} images have labels outside of 0 to '
      f'{dataset.num_classes - 1}: {sorted(wrong)[:10]}.'
    )
  return lines


def _size_lines(summary: SplitSummary) -> list[str]:
  lines = ['']
  for name, counts in (
    ('height', _marginal(summary.sizes, 0)),
    ('width', _marginal(summary.sizes, 1)),
  ):
    if counts:
      values = sorted(counts.elements())
      lines.append(
        f'{name:8}{values[0]} to {values[-1]} pixels, '
        f'median {statistics.median(values):g}'
      )
  common = ', '.join(
    f'{height} x {width}: {count}'
    for (height, width), count in summary.sizes.most_common(_LISTED_SIZES)
  )
  lines.append(f'{"sizes":8}{common}')
  formats = ', '.join(f'{k}: {n}' for k, n in summary.formats.most_common())
  lines.append(f'{"formats":8}{formats}')
  return lines


def _marginal(sizes, axis: int) -> collections.Counter:
  counts = collections.Counter()
  for size, count in sizes.items():
    counts[size[axis]] += count
  return counts


def draw_sheet(summary: SplitSummary, dataset, path: str):
  """Writes a PNG of the kept images, each with its class below.

  Args:
    summary: what `read` returned.
    dataset: the `Dataset` it was read from.
    path: where to write.

  Raises:
    UserError: if Pillow is not installed.
  """
  pillow = errors.import_extra('PIL.Image', 'images')
  drawing = errors.import_extra('PIL.ImageDraw', 'images')
  names = dataset.labels_to_names or {}
  columns = max(1, min(8, len(summary.samples)))
  rows = max(1, -(-len(summary.samples) // columns))
  step_x, step_y = _TILE + _GAP, _TILE + _CAPTION + _GAP
  sheet = pillow.new('RGB', (columns * step_x, rows * step_y), 'white')
  canvas = drawing.Draw(sheet)
  by_label = sorted(summary.samples, key=lambda sample: sample[1])
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
  png = io.BytesIO()
  sheet.save(png, format='png')
  try:
    files.write(path, png.getvalue())
  except OSError as error:
    raise files.cannot_write(path, error) from error


def _thumbnail(pillow, data: bytes):
  """Returns an image that fits a tile, enlarged if it is tiny."""
  try:
    image = pillow.open(io.BytesIO(data)).convert('RGB')
  except OSError:
    return pillow.new('RGB', (_TILE, _TILE), 'red')
  scale = _TILE / max(image.size)
  size = tuple(max(1, round(side * scale)) for side in image.size)
  return image.resize(size, pillow.NEAREST if scale > 1 else pillow.BILINEAR)

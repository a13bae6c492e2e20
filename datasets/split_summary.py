"""Summarize a converted split: counts, sizes, and a selection of images."""

import collections
import dataclasses
import random
import statistics
from typing import Any

from datasets import reading
from datasets.images import headers

_SEED = 0
_LISTED_SIZES = 5
_BAR = 30


@dataclasses.dataclass
class SplitSummary:
  """The properties of a split.

  Attributes:
    num_files: number of TFRecord files.
    labels: label -> number of images.
    formats: image format -> number of images.
    sizes: (height, width) in pixels -> number of images.
    num_bytes: total length of the encoded images.
    problems: description of the damage -> number of images.
    samples: (encoded image, label) of a random selection of images.
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
  problems: collections.Counter = dataclasses.field(
    default_factory=collections.Counter
  )
  samples: list[tuple[bytes, int]] = dataclasses.field(default_factory=list)

  @property
  def num_images(self) -> int:
    """The number of images."""
    return sum(self.labels.values())


def summarize(dataset: Any, num_samples: int) -> SplitSummary:
  """Read a whole split and return its summary.

  Args:
    dataset: a tf-slim `Dataset`.
    num_samples: number of images to select.

  Raises:
    UserError: if a file is damaged.
  """
  generator = random.Random(_SEED)
  summary = SplitSummary(num_files=len(reading.list_files(dataset)))
  for count, record in enumerate(reading.records(dataset), 1):
    _add(summary, record.encoded, record.label)
    # Reservoir sampling: every image is selected with the same probability.
    position = generator.randrange(count)
    sample = (record.encoded, record.label)
    if len(summary.samples) < num_samples:
      summary.samples.append(sample)
    elif position < num_samples:
      summary.samples[position] = sample
  return summary


def _add(summary: SplitSummary, data: bytes, label: int) -> None:
  summary.labels[label] += 1
  summary.num_bytes += len(data)
  try:
    header = headers.read_header(data)
  except headers.BadImage as error:
    summary.problems[str(error)] += 1
    return
  summary.formats[header.image_format] += 1
  summary.sizes[header.height, header.width] += 1
  if header.warning:
    summary.problems[header.warning] += 1


def describe(summary: SplitSummary, dataset: Any) -> str:
  """Return the summary as text with a table of the classes.

  Args:
    summary: the result of `summarize`.
    dataset: the `Dataset` that was summarized.
  """
  lines = [
    f'{dataset.name}, {dataset.split_name}: {summary.num_images} images in '
    f'{summary.num_files} files, {summary.num_bytes / 1e6:.1f} MB.'
  ]
  if summary.num_images != dataset.num_samples:
    lines.append(
      f'Warning: the data set states that it has {dataset.num_samples} images.'
    )
  lines += _class_lines(summary, dataset)
  lines += _size_lines(summary)
  for problem, count in summary.problems.most_common():
    lines.append(f'Warning: {count} damaged images: {problem}.')
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
    name = str(names.get(label, ''))
    lines.append(f'{label:5}  {name:{width}}  {count:8}  {bar}'.rstrip())
  wrong = [k for k in summary.labels if not 0 <= k < dataset.num_classes]
  if wrong:
    count = sum(summary.labels[label] for label in wrong)
    lines.append(
      f'Warning: {count} images have labels that are not in 0 to '
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

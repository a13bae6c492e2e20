"""The tables that --list_models and --list_datasets print.

Importing this does not import TensorFlow.
"""

from datasets import dataset_factory
from nets import nets_factory


def _columns(rows) -> str:
  """Return the rows as lines, each column as wide as its widest entry."""
  rows = [[str(entry) for entry in row] for row in rows]
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  lines = (
    '  '.join(
      entry.ljust(width) for entry, width in zip(row, widths, strict=True)
    )
    for row in rows
  )
  return '\n'.join(line.rstrip() for line in lines)


def networks() -> str:
  """Return a table of the networks: their input, size and cost."""
  rows = [('Network', 'Image', 'Preprocessing', 'Params', 'MACs', 'Top-1')]
  for name in nets_factory.networks():
    row = nets_factory.network(name)
    published = [checkpoint.top_1 for checkpoint in row.checkpoints]
    rows.append(
      (
        name,
        row.image_size,
        row.preprocessing or '-',
        f'{row.parameters / 1e6:.2f} M' if row.parameters else '-',
        f'{row.multiply_adds / 1e6:.0f} M' if row.multiply_adds else '-',
        max(published, default='-'),
      )
    )
  return _columns(rows)


def data_sets() -> str:
  """Return a table of the data sets: their classes and splits."""
  rows = [('Data set', 'Classes', 'Splits')]
  for name in dataset_factory.dataset_names():
    spec = dataset_factory.get_spec(name)
    splits = (
      f'{split} {count:,}' if count else split
      for split, count in spec.splits.items()
    )
    rows.append((name, spec.num_classes or 'yours', ', '.join(splits)))
  return _columns(rows)

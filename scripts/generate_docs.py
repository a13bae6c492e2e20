r"""Write the tables of the documents that are made from the code.

    python scripts/generate_docs.py            # write them
    python scripts/generate_docs.py --check    # fail if one is out of date

A generated table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

import pathlib
import re
import sys

import _checkout  # noqa: F401  (finds the modules below)
import show_dataset

from datasets import dataset_factory
from datasets.conversion import registry
from deployment.evaluation import config as eval_config
from deployment.export import config as export_config
from deployment.labeling import config as label_config
from deployment.training import config as train_config
from nets import nets_factory
from slim_support import flag_fields

_ROOT = pathlib.Path(__file__).parent.parent
_FILES = (
  'README.md',
  'docs/flags.md',
  'docs/pretrained.md',
  'nets/mobilenet_v1.md',
)


def _table(columns, rows) -> str:
  lines = [columns, ['---'] * len(columns), *rows]
  return ''.join('| ' + ' | '.join(map(str, line)) + ' |\n' for line in lines)


def flags(config: type) -> str:
  """Return the flags of a configuration class as a Markdown table."""
  rows = []
  for heading, fields in flag_fields.grouped(config).items():
    if heading:
      rows.append((f'**{heading}**', '', ''))
    for field in fields:
      default = '' if field.default in (None, '') else f'`{field.default}`'
      text = flag_fields.help_text(field).replace('|', r'\|')
      rows.append((f'`--{field.name}`', default, text))
  return _table(('Flag', 'Default', 'Meaning'), rows)


def data_sets() -> str:
  """Return the data sets with their splits as a Markdown table."""
  rows = []
  for name in dataset_factory.dataset_names():
    spec = dataset_factory.get_spec(name)
    splits = ', '.join(
      f'{split} {count:,}' if count else split
      for split, count in spec.splits.items()
    )
    size = (
      'various' if not spec.image_size else '{} x {}'.format(*spec.image_size)
    )
    color = 'gray' if spec.channels == 1 else 'colour'
    rows.append(
      (f'`{name}`', splits, spec.num_classes or 'yours', f'{size}, {color}')
    )
  return _table(('Data set', 'Images', 'Classes', 'Size'), rows)


def mobilenet_v1() -> str:
  """Return the released variants of MobileNet V1 as a Markdown table."""
  rows = [
    (
      f'[{checkpoint.archive.removesuffix(".tgz")}]({checkpoint.url})',
      f'`--model_name={name} --eval_image_size={checkpoint.image_size}`',
      checkpoint.mega_macs,
      f'{nets_factory.network(name).parameters / 1e6:.2f}',
      checkpoint.top_1,
      checkpoint.top_5,
    )
    for name in nets_factory.networks()
    if name.startswith('mobilenet_v1')
    for checkpoint in nets_factory.network(name).checkpoints
  ]
  columns = ('Checkpoint', 'Flags', 'Million MACs', 'Million parameters',
             'Top-1', 'Top-5')  # fmt: skip
  return _table(columns, rows)


_BLOCKS = {
  'pretrained': nets_factory.markdown_table,
  'data-sets': data_sets,
  'train-flags': lambda: flags(train_config.TrainConfig),
  'eval-flags': lambda: flags(eval_config.EvalConfig),
  'export-flags': lambda: flags(export_config.ExportConfig),
  'convert-flags': lambda: flags(registry.ConvertConfig),
  'show-flags': lambda: flags(show_dataset.ShowConfig),
  'label-flags': lambda: flags(label_config.LabelConfig),
  'mobilenet-v1': mobilenet_v1,
}


def generated(text: str) -> str:
  """Return the text of a document with up-to-date tables."""
  for name, make in _BLOCKS.items():
    text = re.sub(
      rf'(<!-- begin {name} -->\n).*?(<!-- end {name} -->)',
      lambda match, make=make: f'{match[1]}\n{make()}\n{match[2]}',
      text,
      flags=re.DOTALL,
    )
  return text


def main() -> int:
  """Write or check the tables; return 1 if a checked one is out of date."""
  stale = 0
  for name in _FILES:
    path = _ROOT / name
    text = path.read_text(encoding='utf-8')
    current = generated(text)
    if current == text:
      continue
    if '--check' in sys.argv:
      print(f'{name} is out of date: run python scripts/generate_docs.py')
      stale = 1
    else:
      path.write_text(current, encoding='utf-8')
      print(f'wrote {name}')
  return stale


if __name__ == '__main__':
  sys.exit(main())

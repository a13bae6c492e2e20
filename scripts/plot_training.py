r"""Draws the loss of a training run and its evaluated accuracy.

    python scripts/plot_training.py \
      --train_dir=quickstart/model \
      --output_file=docs/quickstart.png

Reads the events that training wrote, and the evaluations in --eval_dir. Needs
matplotlib, the extra `plots`.
"""

import dataclasses
import io
import os

import _checkout  # noqa: F401  (finds the modules below)

from deployment.command_line import entry
from slim_support import errors, files, flag_fields

# The loss's curve, and its name in events of earlier versions.
_LOSS = ('total_loss_1', 'progress/loss')


@dataclasses.dataclass(frozen=True)
class PlotConfig(flag_fields.Config):
  """Which run is drawn, and where to."""

  train_dir: str = flag_fields.string(
    None, 'Folder of the training (required).'
  )
  eval_dir: str = flag_fields.string(
    None, 'Folder of the evaluations; --train_dir/eval by default.'
  )
  output_file: str = flag_fields.string('training.png', 'The PNG to write.')


flag_fields.define_flags(PlotConfig)


def _draw(curve, history, path):
  """Draws the loss over the steps and, as points, the accuracies."""
  figure = errors.import_extra('matplotlib.figure', 'plots').Figure(
    figsize=(7, 3)
  )
  axes = figure.add_subplot()
  steps, losses = zip(*curve, strict=True)
  axes.plot(steps, losses, color='tab:blue')
  axes.set_xlabel('step')
  axes.set_ylabel('loss', color='tab:blue')
  axes.set_yscale('log')
  if history:
    accuracy = axes.twinx()
    accuracy.plot(
      [entry['step'] for entry in history],
      [entry['Accuracy'] for entry in history],
      'o-',
      color='tab:orange',
    )
    accuracy.set_ylabel('test accuracy', color='tab:orange')
    accuracy.set_ylim(0.9, 1)
  figure.tight_layout()
  png = io.BytesIO()
  figure.savefig(png, format='png', dpi=110)
  files.write(path, png.getvalue())


def main():
  """Reads the curves and draws them."""
  options = flag_fields.from_flags(PlotConfig)
  flag_fields.require(options, 'train_dir', 'Say which run is to be drawn.')
  history = entry.load('deployment.evaluation.history')
  curves = history.read_scalars(options.train_dir)
  curve = next((curves[name] for name in _LOSS if name in curves), None)
  if curve is None:
    raise errors.UserError(
      f'{options.train_dir} holds no events of a training run.'
    )
  eval_dir = options.eval_dir or os.path.join(options.train_dir, 'eval')
  _draw(curve, history.read(eval_dir), options.output_file)
  print(options.output_file)


if __name__ == '__main__':
  entry.run(main)

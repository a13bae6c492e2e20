r"""Plot the loss of a training run and the accuracy of its evaluations.

    python scripts/plot_training.py \
      --train_dir=quickstart/model \
      --output_file=docs/quickstart.png

Reads the event files that training wrote and the history in --eval_dir. Needs
matplotlib, the extra `plots`.
"""

import dataclasses
import io
import os
from typing import Any

import _checkout  # noqa: F401  (finds the modules below)

from deployment.command_line import entry
from slim_support import errors, files, flag_fields, targets

# The loss in event files of this library, of its earlier versions and of the
# original.
_LOSS_TAGS = (
  'total_loss_1',
  'progress/loss',
  'total_loss',
  'Losses/clone_loss',
  'clone_loss',
)
_LEAST_ACCURACY_RANGE = 0.02


@dataclasses.dataclass(frozen=True)
class PlotConfig(flag_fields.Config):
  """The configuration of a plot."""

  train_dir: str = flag_fields.string(
    None, 'Folder of the training run (required).'
  )
  eval_dir: str = flag_fields.string(
    None, 'Folder of its evaluations; --train_dir/eval by default.'
  )
  output_file: str = flag_fields.string(
    'training.png', 'Picture to write; its suffix says which format.'
  )


flag_fields.define_flags(PlotConfig)


def picture_format(path: str) -> str:
  """Return the picture format of a path; PNG without a suffix.

  Raises:
    UserError: if matplotlib cannot write it.
  """
  backends = errors.import_extra('matplotlib.backend_bases', 'plots')
  known = backends.FigureCanvasBase.get_supported_filetypes()
  suffix = os.path.splitext(path)[1].removeprefix('.').lower() or 'png'
  if suffix not in known:
    raise errors.UserError(
      f'--output_file={path}: {suffix!r} is not a picture format. Use one of '
      f'{", ".join(sorted(known))}.'
    )
  return suffix


def accuracy_limits(accuracies: list[float]) -> tuple[float, float]:
  """Return the lower and upper end of the axis for accuracies in [0, 1]."""
  low, high = min(accuracies), max(accuracies)
  margin = max(0.1 * (high - low), _LEAST_ACCURACY_RANGE / 2)
  return max(0.0, low - margin), min(1.0, high + margin)


def draw(
  losses: list[tuple[int, float]],
  history: list[dict[str, Any]],
  suffix: str = 'png',
) -> bytes:
  """Return the picture: loss over steps and, if there are any, accuracies.

  Args:
    losses: (step, loss), by step.
    history: evaluations with 'step' and 'Accuracy'.
    suffix: the picture format.
  """
  figure = errors.import_extra('matplotlib.figure', 'plots').Figure(
    figsize=(7, 3)
  )
  axes = figure.add_subplot()
  axes.plot(*zip(*losses, strict=True), color='tab:blue')
  axes.set_xlabel('step')
  axes.set_ylabel('loss', color='tab:blue')
  if all(loss > 0 for _, loss in losses):
    axes.set_yscale('log')
  if history:
    accuracies = [entry['Accuracy'] for entry in history]
    steps = [entry['step'] for entry in history]
    right = axes.twinx()
    right.plot(steps, accuracies, 'o-', color='tab:orange')
    right.set_ylabel('test accuracy', color='tab:orange')
    right.set_ylim(*accuracy_limits(accuracies))
  figure.tight_layout()
  picture = io.BytesIO()
  figure.savefig(picture, format=suffix, dpi=110)
  return picture.getvalue()


def _losses(options, curves):
  """Return the curve of the loss.

  Raises:
    UserError: if there is none.
  """
  for tag in _LOSS_TAGS:
    if tag in curves:
      return curves[tag]
  raise errors.UserError(
    f'--train_dir={options.train_dir} has no event files with the loss of a '
    'training run.'
  )


def main() -> None:
  """Read the curves and plot them."""
  options = flag_fields.from_flags(PlotConfig)
  flag_fields.require(options, 'train_dir', 'Name the folder of the run.')
  flag_fields.require(options, 'output_file', 'Name the picture to write.')
  suffix = picture_format(options.output_file)
  targets.check_writable('output_file', options.output_file)
  event_files = entry.load('deployment.evaluation.event_files')
  history = entry.load('deployment.evaluation.history')
  losses = _losses(options, event_files.read_scalars(options.train_dir))
  eval_dir = options.eval_dir or files.join(options.train_dir, 'eval')
  picture = draw(losses, history.read(eval_dir), suffix)
  try:
    files.write(options.output_file, picture)
  except OSError as error:
    raise files.cannot_write(
      f'--output_file={options.output_file}', error
    ) from error
  print(options.output_file)


if __name__ == '__main__':
  entry.run(main)

r"""Run a notebook from top to bottom and fail if a cell does.

    python scripts/run_notebook.py --notebook=slim_walkthrough.ipynb

With --save the new plots are written into the notebook; printed text is not.
Needs the extra `docs`.
"""

import dataclasses
import pathlib
import re
from typing import Any

import _checkout  # noqa: F401  (finds the modules below)
from absl import logging

from deployment.command_line import entry
from slim_support import errors, flag_fields

_ROOT = pathlib.Path(__file__).parent.parent
_SLOW_CELL_SECS = 600


@dataclasses.dataclass(frozen=True)
class RunConfig(flag_fields.Config):
  """Which notebook to run, and whether to save it."""

  notebook: str = flag_fields.string(
    'slim_walkthrough.ipynb', 'Notebook to run; its path in the checkout.'
  )
  save: bool = flag_fields.boolean(False, 'Write the new plots to the file.')


flag_fields.define_flags(RunConfig)


def execute(notebook: Any) -> None:
  """Run all cells in the checkout, and put their outputs into the notebook.

  Args:
    notebook: a notebook of nbformat, changed in place.

  Raises:
    UserError: if a cell fails.
  """
  nbclient = errors.import_extra('nbclient', 'docs')
  client = nbclient.NotebookClient(
    notebook,
    timeout=_SLOW_CELL_SECS,
    resources={'metadata': {'path': str(_ROOT)}},
  )
  # Over TCP the kernel warns that nothing is encrypted.
  client.create_kernel_manager().transport = 'ipc'
  try:
    client.execute()
  except nbclient.exceptions.CellExecutionError as error:
    plain = re.sub(r'\x1b\[[\d;]*m', '', str(error))
    raise errors.UserError(f'A cell fails:\n{plain}') from error


def printed(notebook: Any) -> str:
  """Return all text that the cells printed.

  Args:
    notebook: a notebook of nbformat that was executed.
  """
  texts = []
  for cell in notebook.cells:
    for output in cell.get('outputs', ()):
      texts.append(output.get('text', ''))
      texts.append(output.get('data', {}).get('text/plain', ''))
  return '\n'.join(texts)


def check_printed(text: str) -> None:
  """Check that the output of the cells can be published.

  Args:
    text: what the cells printed.

  Raises:
    UserError: if there is a warning, or a path of this machine.
  """
  home = re.escape(str(pathlib.Path.home()))
  root = re.escape(str(_ROOT))
  found = re.search(rf'.*(warning|deprecat|{root}|{home}/).*', text, re.I)
  if found:
    raise errors.UserError(f'A cell prints a warning or a path: {found[0]}')


def keep_plots(notebook: Any) -> None:
  """Remove all outputs but the plots, and all traces of this machine.

  Args:
    notebook: a notebook of nbformat, changed in place.
  """
  nbformat = errors.import_extra('nbformat', 'docs')
  notebook.metadata['language_info'] = {'name': 'python'}
  for cell in notebook.cells:
    cell.get('metadata', {}).pop('execution', None)
    if cell.cell_type != 'code':
      continue
    cell.execution_count = None
    pictures = [
      {
        kind: data
        for kind, data in output.get('data', {}).items()
        if kind.startswith('image/')
      }
      for output in cell.outputs
    ]
    cell.outputs = [
      nbformat.v4.new_output('display_data', data=data)
      for data in pictures
      if data
    ]


def main() -> None:
  """Run the notebook and check what it printed."""
  options = flag_fields.from_flags(RunConfig)
  nbformat = errors.import_extra('nbformat', 'docs')
  path = _ROOT / options.notebook
  notebook = nbformat.read(path, as_version=4)
  execute(notebook)
  text = printed(notebook)
  print(text)
  check_printed(text)
  if options.save:
    keep_plots(notebook)
    nbformat.write(notebook, path)
  logging.info('%s works.', path.name)


if __name__ == '__main__':
  entry.run(main)

"""The predictions file: a CSV row for every image, written batch by batch."""

import contextlib
import csv
import io
from collections.abc import Callable, Iterator

import numpy as np

from slim_support import files

AddRows = Callable[[np.ndarray, np.ndarray, np.ndarray], None]


@contextlib.contextmanager
def writing(path: str | None, num_classes: int) -> Iterator[AddRows]:
  """Give a function that adds a batch of rows to a predictions file.

  The columns are index, label, prediction and the score of every class. The
  file appears, whole, when the context ends; after an exception it does not.

  Args:
    path: the file; None writes nothing.
    num_classes: number of scores in a row.

  Returns:
    fn(indices, labels, probabilities) with int [batch], int [batch] and float
    [batch, classes].

  Raises:
    UserError: if the file cannot be written.
  """
  if not path:
    yield lambda indices, labels, probabilities: None
    return
  try:
    with files.writing(path) as binary:
      file = io.TextIOWrapper(binary, 'utf-8', newline='')
      rows = csv.writer(file, lineterminator='\n')
      scores = [f'score_{label}' for label in range(num_classes)]
      rows.writerow(['index', 'label', 'prediction', *scores])

      def add_rows(indices, labels, probabilities):
        for index, label, row in zip(
          indices, labels, probabilities, strict=True
        ):
          shown = (f'{score:.6g}' for score in row)
          rows.writerow([index, label, row.argmax(), *shown])

      yield add_rows
      file.flush()
      file.detach()
  except OSError as error:
    raise files.cannot_write(f'--predictions_file={path}', error) from error

"""A contact sheet: small copies of images with captions in one picture."""

import io
import os
from collections.abc import Iterable
from typing import Any

from slim_support import errors, files

_TILE, _CAPTION, _GAP = 128, 14, 6  # in pixels
_MAX_COLUMNS = 8
_FORMATS = {'.png': 'PNG', '.jpg': 'JPEG', '.jpeg': 'JPEG'}


def image_format(path: str) -> str:
  """Return the format that a file name asks for, 'PNG' or 'JPEG'.

  Args:
    path: the file to write.

  Raises:
    UserError: if the file name has another extension.
  """
  extension = os.path.splitext(path)[1].lower()
  if extension not in _FORMATS:
    raise errors.UserError(
      f'{path!r} does not end in {", ".join(_FORMATS)}, the formats that a '
      'sheet can have.'
    )
  return _FORMATS[extension]


def draw(images: Iterable[tuple[bytes, str]], path: str) -> None:
  """Write a contact sheet.

  Args:
    images: the contents of an image file and the caption of each image.
    path: the file to write; see `image_format`.

  Raises:
    UserError: if Pillow is not installed, or if the file cannot be written.
  """
  wanted = image_format(path)
  pillow = errors.import_extra('PIL.Image', 'images')
  drawing = errors.import_extra('PIL.ImageDraw', 'images')
  images = list(images)
  columns = max(1, min(_MAX_COLUMNS, len(images)))
  rows = max(1, -(-len(images) // columns))
  step_x, step_y = _TILE + _GAP, _TILE + _CAPTION + _GAP
  sheet = pillow.new('RGB', (columns * step_x, rows * step_y), 'white')
  canvas = drawing.Draw(sheet)
  for index, (data, caption) in enumerate(images):
    left, top = index % columns * step_x, index // columns * step_y
    tile = _thumbnail(pillow, data)
    sheet.paste(
      tile,
      (left + (_TILE - tile.width) // 2, top + (_TILE - tile.height) // 2),
    )
    position = (left + 2, top + _TILE)
    try:
      canvas.text(position, caption[:20], fill='black')
    except UnicodeEncodeError:  # The font of old Pillows has no such letters.
      canvas.text(position, ascii(caption)[1:21], fill='black')
  encoded = io.BytesIO()
  sheet.save(encoded, format=wanted)
  try:
    files.write(path, encoded.getvalue())
  except OSError as error:
    raise files.cannot_write(path, error) from error


def _thumbnail(pillow, data: bytes) -> Any:
  """Return an image that fits a tile, red if it cannot be decoded."""
  try:
    image = pillow.open(io.BytesIO(data)).convert('RGB')
  except Exception:  # Decoders raise many kinds of errors.
    return pillow.new('RGB', (_TILE, _TILE), 'red')
  scale = _TILE / max(image.size)
  size = tuple(max(1, round(side * scale)) for side in image.size)
  return image.resize(size, pillow.NEAREST if scale > 1 else pillow.BILINEAR)

"""Bounding boxes of ImageNet, from XML files in the Pascal VOC format.

The files are not trusted: files that declare entities are not parsed, and
invalid boxes are dropped and counted.
"""

import os
import tarfile
import xml.etree.ElementTree
from collections.abc import Iterator
from typing import NamedTuple

from datasets.downloading import archives
from slim_support import files

_MAX_XML_BYTES = 1 << 20
_MAX_MEMBERS = 3_000_000
_MAX_BYTES = 1 << 33  # 3 million files, most of them below 1 kB.


class Box(NamedTuple):
  """A box, its sides as fractions of the width or height of the image."""

  xmin: float
  ymin: float
  xmax: float
  ymax: float


class Boxes(NamedTuple):
  """The boxes of many images.

  Attributes:
    by_image: name of the image without extension -> its boxes.
    num_dropped: number of invalid boxes.
    num_damaged: number of files that could not be parsed.
  """

  by_image: dict[str, list[Box]]
  num_dropped: int
  num_damaged: int


class _Damaged(Exception):
  """An XML file cannot be used."""


def read_boxes(path: str) -> Boxes:
  """Return the boxes of all images.

  Args:
    path: a folder or tar archive with files like `n01440764/n01440764_2.xml`.

  Raises:
    UserError: if a file cannot be read, or if the archive is damaged.
  """
  by_image, num_dropped, num_damaged = {}, 0, 0
  for name, data in _xml_files(path):
    try:
      boxes, dropped = _parse(data)
    except _Damaged:
      num_damaged += 1
      continue
    num_dropped += dropped
    if boxes:
      by_image[os.path.splitext(os.path.basename(name))[0]] = boxes
  return Boxes(by_image, num_dropped, num_damaged)


def _xml_files(path: str) -> Iterator[tuple[str, bytes]]:
  """Yield the names and contents of the XML files, in any order."""
  if os.path.isdir(path):
    for folder, _, names in os.walk(path):
      for name in names:
        if name.lower().endswith('.xml'):
          path = os.path.join(folder, name)
          yield name, files.read_bytes(path, _MAX_XML_BYTES + 1)
    return
  with archives.report_damaged_archive(path), tarfile.open(path) as tar:
    for member in archives.safe_members(
      tar, path, max_bytes=_MAX_BYTES, max_members=_MAX_MEMBERS
    ):
      if member.name.lower().endswith('.xml'):
        yield member.name, tar.extractfile(member).read(_MAX_XML_BYTES + 1)


def _parse(data: bytes) -> tuple[list[Box], int]:
  """Return the boxes of one file and the number of invalid ones."""
  # Without a DOCTYPE there are no entities, which could expand without limit.
  if len(data) > _MAX_XML_BYTES or b'<!' in data.replace(b'<!--', b''):
    raise _Damaged
  try:
    root = xml.etree.ElementTree.fromstring(data)
    width = float(root.findtext('size/width', ''))
    height = float(root.findtext('size/height', ''))
  except (xml.etree.ElementTree.ParseError, ValueError) as error:
    raise _Damaged from error
  if not (width > 0 and height > 0):
    raise _Damaged
  found = [
    _to_box(element, width, height)
    for element in root.iterfind('object/bndbox')
  ]
  boxes = [box for box in found if box is not None]
  return boxes, len(found) - len(boxes)


def _to_box(element, width: float, height: float) -> Box | None:
  """Return a box clipped to the image, None if it is empty or invalid."""
  try:
    xmin, xmax, ymin, ymax = (
      float(element.findtext(side, ''))
      for side in ('xmin', 'xmax', 'ymin', 'ymax')
    )
  except ValueError:
    return None
  box = Box(
    *(min(max(side, 0.0), 1.0) for side in (
      xmin / width, ymin / height, xmax / width, ymax / height
    ))
  )  # fmt: skip
  return box if box.xmin < box.xmax and box.ymin < box.ymax else None

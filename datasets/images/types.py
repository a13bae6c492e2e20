"""What the readers of image headers have in common."""

from typing import NamedTuple


class BadImage(Exception):
  """Why the bytes are no image that can be used."""


class Header(NamedTuple):
  """What is known of an image.

  Attributes:
    image_format: 'jpeg', 'png', 'gif', 'bmp', 'webp' or 'tiff'.
    height: in pixels; 0 where the format's header is not read here.
    width: in pixels; 0 likewise.
    channels: 1 gray, 2 gray and alpha, 3 RGB or palette, 4 RGBA or CMYK.
    orientation: the EXIF orientation, 1 for upright.
    doubt: what is wrong with the file although a decoder may put up with it;
      empty if nothing is.
  """

  image_format: str
  height: int = 0
  width: int = 0
  channels: int = 0
  orientation: int = 1
  doubt: str = ''

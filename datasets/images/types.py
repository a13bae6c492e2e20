"""Types that all modules of this folder share."""

from typing import NamedTuple

MAX_IMAGE_PIXELS = 100_000_000


class BadImage(Exception):
  """The reason why a file cannot be used as an image."""


class Header(NamedTuple):
  """The properties of an image that its header states.

  Attributes:
    image_format: 'jpeg', 'png', 'gif', 'bmp', 'webp' or 'tiff'.
    height: in pixels; 0 for the formats whose headers are not read here.
    width: in pixels; 0 for the formats whose headers are not read here.
    channels: 1 gray, 2 gray and alpha, 3 RGB or palette, 4 RGBA or CMYK.
    orientation: the EXIF orientation, 1 for upright.
    warning: damage that some decoders tolerate; empty if there is none.
  """

  image_format: str
  height: int = 0
  width: int = 0
  channels: int = 0
  orientation: int = 1
  warning: str = ''


class Policy(NamedTuple):
  """The requirements that images must meet.

  Attributes:
    max_pixels: images with more pixels are rejected.
    max_side: images with a longer side, in pixels, are shrunk to this; None
      keeps all sizes.
    only_jpeg: store PNG images as JPEGs too.
  """

  max_pixels: int = MAX_IMAGE_PIXELS
  max_side: int | None = None
  only_jpeg: bool = False

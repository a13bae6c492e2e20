"""Re-encode images that cannot be stored unchanged; needs Pillow.

CMYK JPEGs become RGB JPEGs. GIF (first frame), BMP, WebP and TIFF images become
PNGs, which is lossless. Images larger than `max_side` are shrunk. Gray images
stay gray. The alpha channel is dropped, as RGB decoders do.
"""

import io

from datasets.images.types import BadImage, Header, Policy
from slim_support import errors

_QUALITY = 95
_GRAY_MODES = ('1', 'L', 'LA', 'La')
_DEEP_MODES = ('I;16', 'I;16B', 'I;16L', 'I')


def reencode(
  data: bytes, header: Header, policy: Policy
) -> tuple[str, int, int, bytes]:
  """Return the format, height, width and bytes of the image to store.

  Args:
    data: the contents of the image file.
    header: the header of the image.
    policy: the requirements that the stored image must meet.

  Raises:
    UserError: if Pillow is not installed.
    BadImage: if the image has too many pixels.
    Exception: any error of Pillow for bytes that it cannot decode.
  """
  pillow = errors.import_extra('PIL.Image', 'images')
  pillow.MAX_IMAGE_PIXELS = None  # checked below, before decoding
  with pillow.open(io.BytesIO(data)) as image:
    width, height = image.size
    if height * width > policy.max_pixels:
      raise BadImage(
        f'{width} x {height} pixels are more than --max_image_pixels='
        f'{policy.max_pixels}'
      )
    if policy.max_side:
      # Let the JPEG decoder shrink by powers of two where the quality allows.
      image.draft(None, (2 * policy.max_side, 2 * policy.max_side))
    image.load()
    image = _to_plain_mode(image)
  if policy.max_side and max(image.size) > policy.max_side:
    image.thumbnail((policy.max_side, policy.max_side), pillow.LANCZOS)
  is_jpeg = header.image_format == 'jpeg' or policy.only_jpeg
  output = io.BytesIO()
  if is_jpeg:
    image.save(output, 'JPEG', quality=_QUALITY)
  else:
    image.save(output, 'PNG')
  width, height = image.size
  return 'jpeg' if is_jpeg else 'png', height, width, output.getvalue()


def _to_plain_mode(image):
  """Return the image converted to 8-bit gray or RGB."""
  if image.mode in _DEEP_MODES:  # convert() would clip instead of scaling
    return (
      image.convert('I').point(lambda value: value * (1 / 256)).convert('L')
    )
  if image.mode == 'F':
    raise BadImage('its pixels are floating-point numbers')
  return image.convert('L' if image.mode in _GRAY_MODES else 'RGB')

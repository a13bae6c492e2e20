"""A split of image files in the form that the conversion engine reads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from datasets.conversion import encoding
from datasets.conversion.encoding import Sample
from datasets.conversion.shards import RejectedImage
from datasets.images import worker
from datasets.images.worker import ImageFile, Inspection
from datasets.images.worker_pool import ImagePool


class ImageSplit:
  """A split of images that are stored in files or archives.

  The pool inspects images ahead of the shard that is being written, so that no
  process waits at the end of a shard.

  Args:
    pool: the processes that inspect images.
    files: the images, in the order of the split.
    describe: describe(file) returns the label and the extra features.
  """

  def __init__(
    self,
    pool: ImagePool,
    files: Sequence[ImageFile],
    describe: Callable[[ImageFile], tuple[int, Mapping[str, Any] | None]],
  ):
    self._pool, self._files, self._describe = pool, files, describe
    self._position, self._inspections = None, None
    self._decoder = None

  def read(self, start: int, stop: int) -> Iterator[Sample | RejectedImage]:
    """Yield a sample or a rejected image for each image of a range.

    Args:
      start: index of the first image.
      stop: index after the last image.
    """
    if self._position != start:
      self._inspections = self._pool.inspect(self._files[start:])
    for index in range(start, stop):
      self._position = index + 1
      yield self._to_sample(self._files[index], next(self._inspections))

  def _to_sample(self, file: ImageFile, inspection: Inspection):
    if inspection.rejection_reason:
      return RejectedImage(file.name, inspection.rejection_reason)
    data = inspection.data
    if data is None:
      try:
        data = worker.read_image(file)
      except OSError as error:
        return RejectedImage(file.name, f'it cannot be read: {error.strerror}')
      if len(data) != inspection.size:
        return RejectedImage(file.name, 'it changed during the conversion')
      if inspection.warning and not self._can_decode(data):
        return RejectedImage(file.name, inspection.warning)
    notes = {'reencoded'} if inspection.data is not None else set()
    if inspection.is_rotated:
      notes.add('exif_rotated')
    label, extra = self._describe(file)
    return encoding.Sample(
      data,
      inspection.image_format,
      inspection.height,
      inspection.width,
      label,
      extra,
      tuple(sorted(notes)),
    )

  def _can_decode(self, data: bytes) -> bool:
    """Return whether the decoder that training uses can decode an image."""
    if self._decoder is None:
      from datasets import slim_dataset

      self._decoder = slim_dataset.ImageDecoder()
    return self._decoder.can_decode(data)

"""A split of image files, as the conversion engine reads it."""

from collections.abc import Callable, Iterable, Sequence

from datasets.conversion import encoding
from datasets.conversion.shards import Rejected
from datasets.images import worker
from datasets.images.worker import ImageFile, Inspection
from datasets.images.worker_pool import ImagePool


class ImageSplit:
  """A split of images that lie in files or archives, as the engine reads it.

  Looks ahead over the ends of shards, so that no process waits there.

  Args:
    pool: an `ImagePool`.
    files: the images in their order.
    describe: describe(file) returns the label and the extra features.
  """

  def __init__(
    self,
    pool: ImagePool,
    files: Sequence[ImageFile],
    describe: Callable[[ImageFile], tuple[int, dict | None]],
  ):
    self._pool, self._files, self._describe = pool, files, describe
    self._position, self._verdicts = None, None
    self._decoder = None

  def read(self, start: int, stop: int) -> Iterable:
    """Yields a `records.Sample` or a `Rejected` for each image."""
    if self._position != start:
      self._verdicts = self._pool.inspect(self._files[start:])
    for index in range(start, stop):
      self._position = index + 1
      yield self._to_sample(self._files[index], next(self._verdicts))

  def _to_sample(self, file: ImageFile, inspection: Inspection):
    if inspection.reason:
      return Rejected(file.name, inspection.reason)
    data = inspection.data
    if data is None:
      try:
        data = worker.read_image(file)
      except OSError as error:
        return Rejected(file.name, f'it cannot be read: {error.strerror}')
      if len(data) != inspection.size:
        return Rejected(file.name, 'it changed while it was being read')
      if inspection.doubt and not self._decodes(data):
        return Rejected(file.name, inspection.doubt)
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

  def _decodes(self, data: bytes) -> bool:
    """Asks the decoder that training will use about a doubtful image."""
    if self._decoder is None:
      from datasets import slim_dataset

      self._decoder = slim_dataset.ImageDecoder()
    return self._decoder.decodes(data)

"""A web server on this machine, and data made in the true formats."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import pathlib
import struct
import tarfile

import numpy as np
from PIL import Image

from datasets.downloading import downloads

FAST_RETRY = downloads.RetryPolicy(attempts=3, timeout=5.0, pause=0.01)


@dataclasses.dataclass
class Page:
  """What the server answers for one path."""

  data: bytes = b''
  status: int = 200
  breaks_after: list = dataclasses.field(default_factory=list)
  with_length: bool = True
  length: str | None = None
  with_ranges: bool = True


class Server(http.server.ThreadingHTTPServer):
  """Serves `pages`; keeps the path and `Range` of each of the `requests`."""

  def __init__(self):
    super().__init__(('127.0.0.1', 0), _Handler)
    self.pages, self.requests, self.accounts = {}, [], set()

  def put(self, name, data=b'', **options):
    self.pages[f'/{name}'] = Page(data, **options)
    return self.url(name)

  def url(self, name):
    return f'http://127.0.0.1:{self.server_port}/{name}'

  def download(self, name, data, **options):
    """Serves the data and returns their `Download`."""
    url = self.put(name, data, **options)
    return downloads.Download(
      name, (url,), len(data), hashlib.sha256(data).hexdigest()
    )


class _Handler(http.server.BaseHTTPRequestHandler):
  def do_GET(self):
    page = self.server.pages.get(self.path, Page(status=404))
    asked = self.headers.get('Range')
    self.server.requests.append((self.path, asked))
    self.server.accounts.add(self.headers.get('Authorization'))
    data, status = page.data, page.status
    if asked and page.with_ranges and status == 200:
      start = int(asked.removeprefix('bytes=').removesuffix('-'))
      status, data = (206, data[start:]) if start < len(data) else (416, b'')
    self.send_response(status)
    if status == 206:
      self.send_header(
        'Content-Range', f'bytes {start}-{len(page.data) - 1}/{len(page.data)}'
      )
    if page.length is not None:
      self.send_header('Content-Length', page.length)
    elif page.with_length:
      self.send_header('Content-Length', str(len(data)))
    self.end_headers()
    if page.breaks_after:
      self.wfile.write(data[: page.breaks_after.pop(0)])
      self.wfile.flush()
      self.connection.close()
    else:
      self.wfile.write(data)

  def log_message(self, *unused):
    pass


def encode(pixels, image_format='JPEG', mode=None, **options) -> bytes:
  """Returns an image file."""
  image = pixels
  if isinstance(pixels, np.ndarray):
    image = Image.fromarray(pixels)
  if mode:
    image = image.convert(mode)
  output = io.BytesIO()
  image.save(output, image_format, **options)
  return output.getvalue()


def picture(seed=0, height=20, width=30) -> np.ndarray:
  """Returns uint8 of [height, width, 3], different for each seed."""
  random = np.random.default_rng(seed)
  coarse = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
  return np.asarray(coarse.resize((width, height), Image.BICUBIC))


def tar_bytes(members: dict, mode='w:gz') -> bytes:
  """Returns a tar of name -> bytes, or TarInfo for what is no file."""
  output = io.BytesIO()
  with tarfile.open(fileobj=output, mode=mode) as tar:
    for name, data in members.items():
      if isinstance(data, tarfile.TarInfo):
        tar.addfile(data)
        continue
      member = tarfile.TarInfo(name)
      member.size = len(data)
      tar.addfile(member, io.BytesIO(data))
  return output.getvalue()


def flowers_tgz(count=4, order=1) -> bytes:
  """Returns an archive like the published one; `order` -1 turns it round."""
  members = {'flower_photos/LICENSE.txt': b'words'}
  for number, name in enumerate(('daisy', 'roses', 'tulips')):
    for index in range(count):
      members[f'flower_photos/{name}/{index}_x.jpg'] = encode(
        picture(10 * number + index)
      )
  return tar_bytes(dict(list(members.items())[::order]))


def idx_gz(array: np.ndarray) -> bytes:
  """Returns a gzipped IDX file of unsigned bytes."""
  header = struct.pack(f'>BBBB{array.ndim}I', 0, 0, 8, array.ndim, *array.shape)
  return gzip.compress(header + array.tobytes(), mtime=0)


def mnist_arrays(count, seed):
  random = np.random.default_rng(seed)
  images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
  return images, (np.arange(count) % 10).astype(np.uint8)


def cifar_tar(count=3):
  """Returns an archive like the published one, and its arrays by file."""
  random = np.random.default_rng(0)
  arrays, members = {}, {}
  names = [f'data_batch_{n}.bin' for n in range(1, 6)] + ['test_batch.bin']
  for name in names:
    images = random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    labels = random.integers(0, 10, count, dtype=np.uint8)
    planes = images.transpose(0, 3, 1, 2).reshape(count, -1)
    records = np.concatenate([labels[:, None], planes], axis=1)
    members[f'cifar-10-batches-bin/{name}'] = records.tobytes()
    arrays[name] = images, labels
  members['cifar-10-batches-bin/batches.meta.txt'] = b'airplane\n'
  return tar_bytes(members), arrays


def folder_bytes(folder) -> dict:
  """Returns relative path -> contents of every file, hidden ones too."""
  root = pathlib.Path(folder)
  return {
    str(path.relative_to(root)): path.read_bytes()
    for path in sorted(root.rglob('*'))
    if path.is_file()
  }


def read_split(dataset, items=('image', 'label')) -> list:
  """Returns all samples of a Dataset, read with tf.data in graph mode."""
  import tensorflow.compat.v1 as tf

  records = tf.data.TFRecordDataset(dataset.data_sources)
  examples = records.map(
    lambda record: tuple(dataset.decoder.decode(record, list(items)))
  )
  following = tf.data.make_one_shot_iterator(examples).get_next()
  samples = []
  with tf.Session() as session:
    while True:
      try:
        samples.append(session.run(following))
      except tf.errors.OutOfRangeError:
        return samples

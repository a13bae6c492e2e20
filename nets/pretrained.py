"""The released weights of each network, with their published accuracy.

Accuracies are per cent of the ImageNet (ILSVRC-2012) validation images, from
one central crop of each. Multiply-adds are those that `graph_cost` counts.
"""

from collections.abc import Iterable
from typing import NamedTuple

_MODELS = 'https://storage.googleapis.com/download.tensorflow.org/models'
_MOBILENET_V1 = f'{_MODELS}/mobilenet_v1_2018_08_02/mobilenet_v1'
_MOBILENET_V2 = (
  'https://storage.googleapis.com/mobilenet_v2/checkpoints/mobilenet_v2'
)


class Checkpoint(NamedTuple):
  """Released weights.

  Attributes:
    url: address of the archive.
    top_1: per cent of images whose best class is right.
    top_5: per cent of images with the right class among the best five.
    image_size: height and width of the images that gave these figures.
    preprocessing: name of the preprocessing it was trained with.
    mega_macs: millions of multiply-adds for an image of that size.
  """

  url: str
  top_1: float
  top_5: float
  image_size: int
  preprocessing: str
  mega_macs: int

  @property
  def archive(self) -> str:
    """The archive's file name."""
    return self.url.rsplit('/', 1)[-1]

  @property
  def size(self) -> int | None:
    """The archive's length in bytes, None if it is not known."""
    return _SIZES_AND_CHECKSUMS.get(self.archive, (None, None))[0]

  @property
  def checksum(self) -> str | None:
    """The archive's SHA-256 or SHA-384 in hexadecimal digits, if known."""
    return _SIZES_AND_CHECKSUMS.get(self.archive, (None, None))[1]


# Archive -> bytes, and the SHA-256 (64 digits) or SHA-384 (96 digits).
_SIZES_AND_CHECKSUMS = {
  'inception_v1_2016_08_28.tar.gz': (
    24_642_554,
    '7a620c430fcaba8f8f716241f5148c4c47c035cce4e49ef02cfbe6cd1adf96a6',
  ),
  'inception_v2_2016_08_28.tar.gz': (
    41_577_079,
    'c0b2efbae8fc5e237ae67637dca3f311d4b4f7da576b5606'
    '7e83d95c398a2fccd50baff9cc0de64335f4d7b78e1adb07',
  ),
  'mobilenet_v1_0.25_128.tgz': (
    10_800_019,
    '879ddc3e0857f3611b5cf248e36de2288c7a11ea8c2ed8a8bdded635e6010dfe',
  ),
  'mobilenet_v1_0.5_160.tgz': (
    29_958_343,
    '7023a17e0f7dd48ffb3607ef1d7712702b1eb110d1a2c14f'
    '80bdf41b08148a07f9521a22250b5ef214b59a0bf62ef88b',
  ),
  'mobilenet_v1_0.5_224.tgz': (
    29_969_407,
    '98cf7a39552f73920cb99617cfa9b88d5732a87abf9ec14f7cc7f3ade1db0aaa',
  ),
  'mobilenet_v1_1.0_224.tgz': (
    94_321_559,
    '2fadeabb9968ec6833bee903900dda6e61b3947200535874ce2fe42a8493abc0',
  ),
  'mobilenet_v2_1.0_224.tgz': (
    78_306_834,
    '318084bc1b63d6d7b854553e09cdf77078b1c0168be27c59a0d44253b5ed49dc',
  ),
  'mobilenet_v2_1.4_224.tgz': (
    135_977_516,
    'fd257f73e8ee5280328903afa6bbd646dcf4e8ae7c090e34'
    '24cf05d973c0940fe02ee220a3a5a20ea51cb9caacbf4961',
  ),
}


def _one(
  archive: str,
  top_1: float,
  top_5: float,
  mega_macs: int,
  image_size: int = 224,
  preprocessing: str = 'inception',
):
  """Return the checkpoints of a network that has one."""
  url = f'{_MODELS}/{archive}.tar.gz'
  return (Checkpoint(url, top_1, top_5, image_size, preprocessing, mega_macs),)


def _by_size(stem: str, rows: Iterable[tuple[int, int, float, float]]):
  """Return checkpoints from (image size, mega MACs, top-1, top-5) rows."""
  return tuple(
    Checkpoint(f'{stem}_{size}.tgz', top_1, top_5, size, 'inception', macs)
    for size, macs, top_1, top_5 in rows
  )


# fmt: off
CHECKPOINTS: dict[str, tuple[Checkpoint, ...]] = {
  'inception_v1': _one('inception_v1_2016_08_28', 69.8, 89.6, 1_498),
  'inception_v2': _one('inception_v2_2016_08_28', 73.9, 91.8, 1_935),
  'inception_v3': _one('inception_v3_2016_08_28', 78.0, 93.9, 5_713, 299),
  'inception_v4': _one('inception_v4_2016_09_09', 80.2, 95.2, 12_254, 299),
  'inception_resnet_v2': _one(
    'inception_resnet_v2_2016_08_30', 80.4, 95.3, 13_156, 299),
  'resnet_v1_50': _one(
    'resnet_v1_50_2016_08_28', 75.2, 92.2, 3_482, 224, 'vgg'),
  'resnet_v1_101': _one(
    'resnet_v1_101_2016_08_28', 76.4, 92.9, 7_194, 224, 'vgg'),
  'resnet_v1_152': _one(
    'resnet_v1_152_2016_08_28', 76.8, 93.2, 10_907, 224, 'vgg'),
  # Trained like the Inceptions, unlike what suits the network by default.
  'resnet_v2_50': _one('resnet_v2_50_2017_04_14', 75.6, 92.8, 6_536, 299),
  'resnet_v2_101': _one('resnet_v2_101_2017_04_14', 77.0, 93.7, 13_374, 299),
  'resnet_v2_152': _one('resnet_v2_152_2017_04_14', 77.8, 94.1, 20_211, 299),
  'vgg_16': _one('vgg_16_2016_08_28', 71.5, 89.8, 15_470, 224, 'vgg'),
  'vgg_19': _one('vgg_19_2016_08_28', 71.1, 89.8, 19_632, 224, 'vgg'),
  'mobilenet_v1': _by_size(f'{_MOBILENET_V1}_1.0', (
    (224, 569, 70.9, 89.9), (192, 418, 70.0, 89.2),
    (160, 291, 68.0, 87.7), (128, 186, 65.2, 85.8))),
  'mobilenet_v1_075': _by_size(f'{_MOBILENET_V1}_0.75', (
    (224, 325, 68.4, 88.2), (192, 239, 67.2, 87.3),
    (160, 166, 65.3, 86.0), (128, 107, 62.1, 83.9))),
  'mobilenet_v1_050': _by_size(f'{_MOBILENET_V1}_0.5', (
    (224, 149, 63.3, 84.9), (192, 110, 61.7, 83.6),
    (160, 77, 59.1, 81.9), (128, 49, 56.3, 79.4))),
  'mobilenet_v1_025': _by_size(f'{_MOBILENET_V1}_0.25', (
    (224, 41, 49.8, 74.2), (192, 30, 47.7, 72.3),
    (160, 21, 45.5, 70.3), (128, 14, 41.5, 66.3))),
  'mobilenet_v2_140': _by_size(f'{_MOBILENET_V2}_1.4', (
    (224, 582, 75.0, 92.5),)),
  'mobilenet_v2': _by_size(f'{_MOBILENET_V2}_1.0', (
    (224, 301, 71.8, 91.0), (192, 221, 70.7, 90.1), (160, 154, 68.8, 89.0),
    (128, 99, 65.3, 86.9), (96, 56, 60.3, 83.2))),
  'mobilenet_v2_035': _by_size(f'{_MOBILENET_V2}_0.35', (
    (224, 59, 60.3, 82.9), (192, 44, 58.2, 81.2), (160, 31, 55.7, 79.1),
    (128, 20, 50.8, 75.0), (96, 12, 45.5, 70.4))),
  'nasnet_mobile': _one('nasnet-a_mobile_04_10_2017', 74.0, 91.6, 564),
  'nasnet_large': _one('nasnet-a_large_04_10_2017', 82.7, 96.2, 23_783, 331),
  'pnasnet_mobile': _one('pnasnet-5_mobile_2017_12_13', 74.2, 91.9, 587),
  'pnasnet_large': _one('pnasnet-5_large_2017_12_13', 82.9, 96.2, 24_937, 331),
}
# fmt: on

"""The networks: one row each.

A row says where a network's code is, what goes in and what it costs. Importing
this module imports none of that code.
"""

import functools
from typing import NamedTuple

from nets.pretrained import CHECKPOINTS, Checkpoint


class Network(NamedTuple):
  """One network.

  Attributes:
    module: full name of the module that builds it.
    arg_scope: full name of the function that makes its arg scope; '' if it was
      added at run time without one.
    preprocessing: name of the preprocessing that suits it; None if none is
      known.
    function: name of its function in the module.
    parameters: trainable scalars when it is built for `classes`; None if they
      were not counted.
    multiply_adds: multiply-adds for one image of the default size; None if
      they were not counted.
    classes: classes of the released weights: 1000, 1001 with a background
      class, or 10.
    image_size: default height and width of its images.
    smallest_image: least height and width of images that it can be built for,
      in training and with its default arguments.
    channels: channels of its images; None if it takes the channels of the data.
    batch_norm_decay: what the arg scope calls the decay of the batch norms'
      moving averages; None for a network without batch norm.
    checkpoints: released weights, those for the largest images first.
  """

  module: str
  arg_scope: str
  preprocessing: str | None
  function: str
  parameters: int | None
  multiply_adds: int | None
  classes: int = 1001
  image_size: int = 224
  smallest_image: int = 1
  channels: int | None = 3
  batch_norm_decay: str | None = 'batch_norm_decay'
  checkpoints: tuple[Checkpoint, ...] = ()

  @property
  def labels_offset(self) -> int:
    """What to subtract from ImageNet's labels, where 0 is the background."""
    return 1 if self.classes == 1000 else 0

  @property
  def default_channels(self) -> int:
    """Channels of its images if there are no data to say it."""
    return self.channels_for(None)

  def channels_for(self, data_channels: int | None) -> int:
    """Return the channels of its images for data with so many channels.

    Args:
      data_channels: channels of the images of a data set; None if unknown.
    """
    return self.channels or data_channels or 3


def _family(module: str, arg_scope: str, preprocessing: str, **shared):
  """Return what makes the rows of a family from what differs in each."""
  return functools.partial(
    Network, f'nets.{module}', f'nets.{arg_scope}', preprocessing, **shared
  )


# fmt: off
_INCEPTION = {
  version: _family(
    f'inception_{version}', 'inception_utils.inception_arg_scope', 'inception',
    smallest_image=smallest)
  for version, smallest in (('v1', 1), ('v2', 1), ('v3', 75), ('v4', 75))
}
_INCEPTION_RESNET = _family(
  'inception_resnet_v2', 'inception_resnet_v2.inception_resnet_v2_arg_scope',
  'inception', smallest_image=75)
_MOBILENET_V1 = _family(
  'mobilenet_v1', 'mobilenet_v1.mobilenet_v1_arg_scope', 'inception')
_MOBILENET_V2 = _family(
  'mobilenet.mobilenet_v2', 'mobilenet.mobilenet_v2.training_scope',
  'inception', batch_norm_decay='bn_decay')
_MOBILENET_V3 = _family(
  'mobilenet.mobilenet_v3', 'mobilenet.mobilenet.training_scope',
  'inception', batch_norm_decay='bn_decay')
_NASNET = {
  size: _family(
    'nasnet.nasnet', f'nasnet.nasnet.nasnet_{size}_arg_scope', 'inception',
    smallest_image=smallest)
  for size, smallest in (('cifar', 9), ('mobile', 67), ('large', 67))
}
_PNASNET = {
  size: _family(
    'nasnet.pnasnet', f'nasnet.pnasnet.pnasnet_{size}_arg_scope', 'inception',
    smallest_image=67)
  for size in ('mobile', 'large')
}
_RESNET_V1 = _family(
  'resnet_v1', 'resnet_utils.resnet_arg_scope', 'vgg', classes=1000)
_RESNET_V2 = _family('resnet_v2', 'resnet_utils.resnet_arg_scope', 'vgg')
_ALEXNET = _family(
  'alexnet', 'alexnet.alexnet_v2_arg_scope', 'vgg',
  classes=1000, smallest_image=195, batch_norm_decay=None)
_OVERFEAT = _family(
  'overfeat', 'overfeat.overfeat_arg_scope', 'vgg',
  classes=1000, smallest_image=231, batch_norm_decay=None)
_VGG = _family(
  'vgg', 'vgg.vgg_arg_scope', 'vgg',
  classes=1000, smallest_image=224, batch_norm_decay=None)
_CIFARNET = _family(
  'cifarnet', 'cifarnet.cifarnet_arg_scope', 'cifarnet',
  classes=10, smallest_image=4, channels=None, batch_norm_decay=None)
_LENET = _family(
  'lenet', 'lenet.lenet_arg_scope', 'lenet',
  classes=10, smallest_image=4, channels=None, batch_norm_decay=None)

_ROWS = {
  'alexnet_v2': _ALEXNET('alexnet_v2', 50_303_912, 736_555_776),
  'cifarnet': _CIFARNET('cifarnet', 1_756_426, 32_778_112, image_size=32),
  'inception_resnet_v2': _INCEPTION_RESNET(
    'inception_resnet_v2', 59_182_258, 13_155_795_552, image_size=299),
  'inception_v1': _INCEPTION['v1']('inception_v1', 6_618_649, 1_498_377_216),
  'inception_v2': _INCEPTION['v2']('inception_v2', 11_179_361, 1_934_858_240),
  'inception_v3': _INCEPTION['v3'](
    'inception_v3', 27_145_970, 5_713_218_144, image_size=299),
  'inception_v4': _INCEPTION['v4'](
    'inception_v4', 46_009_106, 12_253_976_160, image_size=299),
  # Counted for images with one channel, those of MNIST.
  'lenet': _LENET('lenet', 3_274_634, 13_883_904, image_size=28),
  'mobilenet_edgetpu': _MOBILENET_V3('edge_tpu', 4_092_713, 990_670_464),
  'mobilenet_edgetpu_075': _MOBILENET_V3(
    'edge_tpu_075', 2_989_441, 624_487_584),
  'mobilenet_v1': _MOBILENET_V1('mobilenet_v1', 4_233_001, 568_741_376),
  'mobilenet_v1_025': _MOBILENET_V1('mobilenet_v1_025', 470_329, 41_030_528),
  'mobilenet_v1_050': _MOBILENET_V1('mobilenet_v1_050', 1_332_105, 149_497_600),
  'mobilenet_v1_075': _MOBILENET_V1('mobilenet_v1_075', 2_586_329, 325_401_216),
  'mobilenet_v2': _MOBILENET_V2('mobilenet', 3_506_153, 300_775_552),
  'mobilenet_v2_035': _MOBILENET_V2('mobilenet_v2_035', 1_678_409, 59_287_088),
  'mobilenet_v2_140': _MOBILENET_V2('mobilenet_v2_140', 6_110_569, 582_197_616),
  'mobilenet_v3_large': _MOBILENET_V3('large', 5_484_313, 216_591_040),
  'mobilenet_v3_large_minimalistic': _MOBILENET_V3(
    'large_minimalistic', 3_925_569, 209_137_984),
  'mobilenet_v3_small': _MOBILENET_V3('small', 2_543_881, 56_511_424),
  'mobilenet_v3_small_minimalistic': _MOBILENET_V3(
    'small_minimalistic', 2_045_761, 52_289_472),
  'nasnet_cifar': _NASNET['cifar'](
    'build_nasnet_cifar', 3_346_538, 544_333_312, classes=10, image_size=32),
  'nasnet_large': _NASNET['large'](
    'build_nasnet_large', 88_757_183, 23_783_418_690, image_size=331),
  'nasnet_mobile': _NASNET['mobile'](
    'build_nasnet_mobile', 5_291_035, 563_639_872),
  'overfeat': _OVERFEAT('overfeat', 145_704_424, 2_647_011_328, image_size=231),
  'pnasnet_large': _PNASNET['large'](
    'build_pnasnet_large', 86_061_989, 24_937_400_112, image_size=331),
  'pnasnet_mobile': _PNASNET['mobile'](
    'build_pnasnet_mobile', 5_065_568, 587_294_280),
  'resnet_v1_50': _RESNET_V1('resnet_v1_50', 25_557_032, 3_482_255_360),
  'resnet_v1_101': _RESNET_V1('resnet_v1_101', 44_549_160, 7_194_476_544),
  'resnet_v1_152': _RESNET_V1('resnet_v1_152', 60_192_808, 10_906_697_728),
  'resnet_v1_200': _RESNET_V1('resnet_v1_200', 64_673_832, 14_400_552_960),
  'resnet_v2_50': _RESNET_V2('resnet_v2_50', 25_570_409, 3_482_257_408),
  'resnet_v2_101': _RESNET_V2('resnet_v2_101', 44_579_945, 7_194_478_592),
  'resnet_v2_152': _RESNET_V2('resnet_v2_152', 60_238_953, 10_906_699_776),
  'resnet_v2_200': _RESNET_V2('resnet_v2_200', 64_728_169, 14_400_555_008),
  'vgg_16': _VGG('vgg_16', 138_357_544, 15_470_264_320),
  'vgg_19': _VGG('vgg_19', 143_667_240, 19_632_062_464),
  'vgg_a': _VGG('vgg_a', 132_863_336, 7_609_090_048),
}
# fmt: on

NETWORK_ROWS: dict[str, Network] = {
  name: row._replace(checkpoints=CHECKPOINTS.get(name, ()))
  for name, row in _ROWS.items()
}

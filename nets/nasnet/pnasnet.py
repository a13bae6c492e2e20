"""PNASNet-5 for ImageNet, mobile and large.

    Chenxi Liu, Barret Zoph, Maxim Neumann, Jonathon Shlens, Wei Hua, Li-Jia Li,
    Li Fei-Fei, Alan Yuille, Jonathan Huang, Kevin Murphy: Progressive Neural
    Architecture Search, 2017, arXiv:1712.00559

One cell does everything: it halves the size where its stride is 2. Scopes and
hyperparameters are those of the published checkpoints, down to the global step
that training makes inside the first cell that drops paths when the graph has no
global step yet. Images are [batch, height, width, 3] in [-1, 1], 224 and 331
high and wide.
"""

import tensorflow.compat.v1 as tf

from nets.nasnet import nasnet_utils, network


def large_imagenet_config() -> network.NasNetConfig:
  """Return the hyperparameters of the large network."""
  return network.NasNetConfig(
    num_cells=12,
    num_conv_filters=216,
    stem_multiplier=3.0,
    drop_path_keep_prob=0.6,
    dense_dropout_keep_prob=0.5,
    total_training_steps=250_000,
    skip_reduction_layer_input=1,
  )


def mobile_imagenet_config() -> network.NasNetConfig:
  """Return the hyperparameters of the mobile network."""
  return network.NasNetConfig(
    num_cells=9,
    num_conv_filters=54,
    stem_multiplier=1.0,
    drop_path_keep_prob=1.0,
    dense_dropout_keep_prob=0.5,
    total_training_steps=250_000,
    skip_reduction_layer_input=1,
  )


def pnasnet_large_arg_scope(
  weight_decay: float = 4e-5,
  batch_norm_decay: float = 0.9997,
  batch_norm_epsilon: float = 1e-3,
) -> dict:
  """Return the large network's arg scope. See `network.arg_scope`."""
  return network.arg_scope(weight_decay, batch_norm_decay, batch_norm_epsilon)


def pnasnet_mobile_arg_scope(
  weight_decay: float = 4e-5,
  batch_norm_decay: float = 0.9997,
  batch_norm_epsilon: float = 1e-3,
) -> dict:
  """Return the mobile network's arg scope. See `network.arg_scope`."""
  return network.arg_scope(weight_decay, batch_norm_decay, batch_norm_epsilon)


class PNasNetNormalCell(nasnet_utils.TableCell):
  """The cell. See `nasnet_utils.NasNetABaseCell` for arguments."""

  combinations = (
    (('separable_5x5_2', 1), ('max_pool_3x3', 1)),
    (('separable_7x7_2', 0), ('max_pool_3x3', 0)),
    (('separable_5x5_2', 0), ('separable_3x3_2', 0)),
    (('separable_3x3_2', 4), ('max_pool_3x3', 0)),
    (('separable_3x3_2', 1), ('none', 0)),
  )
  used = (0, 1)


def _stages(images, num_classes, is_training, config):
  """Yield the end points of a network, each with its tensor."""
  cell = PNasNetNormalCell(
    config.num_conv_filters,
    config.drop_path_keep_prob,
    config.num_cells + 2,  # those of the stem
    config.total_training_steps,
    config.use_bounded_activation,
  )
  stack = network.imagenet_stem(images, config, cell)
  yield 'Stem', stack.outputs[-1]
  done, prev_layer = 0, stack.outputs[-2]
  for i in range(config.num_cells):
    reduces = i in stack.reductions
    done += reduces
    if config.skip_reduction_layer_input or not reduces:
      prev_layer = stack.outputs[-2]
    net = stack.add(
      cell, f'cell_{i}', done, stride=1 + reduces, prev_layer=prev_layer
    )
    yield f'Cell_{i}', net
    if network.has_aux_head(stack, i, num_classes, is_training, config):
      yield 'AuxLogits', network.aux_head(net, num_classes, config, f'aux_{i}')
  yield from network.classifier(stack.outputs[-1], num_classes, config)


def build_pnasnet_large(
  images: tf.Tensor,
  num_classes: int | None,
  is_training: bool | tf.Tensor = True,
  final_endpoint: str | None = None,
  config: network.NasNetConfig | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the large PNASNet-5.

  Args:
    images: [batch, height, width, 3] in [-1, 1], of known height and width.
    num_classes: number of classes; None or 0 leaves out the classifier.
    is_training: whether the network is built for training: dropout, dropping of
      paths by the global step, moments of the batch, and the auxiliary head.
    final_endpoint: the end point to stop at and return in the logits' place;
      None means to build all.
    config: the hyperparameters, a `network.NasNetConfig`; None means
      `large_imagenet_config()`. It is not changed.

  Returns:
    Logits, [batch, num_classes], or the features, [batch, channels]; and the
    end points: 'Stem', 'Cell_N', 'global_pool', 'Logits', 'Predictions', and
    'AuxLogits' in training.

  Raises:
    ValueError: if there is no such end point.
  """
  return network.build(
    _stages,
    images,
    num_classes,
    is_training,
    large_imagenet_config() if config is None else config,
    final_endpoint=final_endpoint,
  )


build_pnasnet_large.default_image_size = 331


def build_pnasnet_mobile(
  images: tf.Tensor,
  num_classes: int | None,
  is_training: bool | tf.Tensor = True,
  final_endpoint: str | None = None,
  config: network.NasNetConfig | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the mobile PNASNet-5. See `build_pnasnet_large` for arguments.

  `config` None means `mobile_imagenet_config()`.
  """
  return build_pnasnet_large(
    images,
    num_classes,
    is_training,
    final_endpoint,
    mobile_imagenet_config() if config is None else config,
  )


build_pnasnet_mobile.default_image_size = 224

"""NASNet-A for CIFAR-10 and for ImageNet, mobile and large.

    Barret Zoph, Vijay Vasudevan, Jonathon Shlens, Quoc V. Le: Learning
    Transferable Architectures for Scalable Image Recognition, 2017,
    arXiv:1707.07012

In the paper's terms: NASNet-A (6 @ 768), (4 @ 1056) and (6 @ 4032). Scopes and
hyperparameters are those of the published checkpoints, down to the global step
that training makes inside the first cell that drops paths when the graph has no
global step yet. Images are [batch, height, width, 3] in [-1, 1], 32, 224 and
331 high and wide.
"""

import tensorflow.compat.v1 as tf

from nets.nasnet import nasnet_utils, network


def cifar_config() -> network.NasNetConfig:
  """Return the hyperparameters for CIFAR-10: 600 epochs in batches of 32."""
  return network.NasNetConfig(
    num_cells=18,
    num_conv_filters=32,
    stem_multiplier=3.0,
    drop_path_keep_prob=0.6,
    dense_dropout_keep_prob=1.0,
    total_training_steps=937_500,
    skip_reduction_layer_input=0,
  )


def large_imagenet_config() -> network.NasNetConfig:
  """Return the hyperparameters of the large network."""
  return network.NasNetConfig(
    num_cells=18,
    num_conv_filters=168,
    stem_multiplier=3.0,
    drop_path_keep_prob=0.7,
    dense_dropout_keep_prob=0.5,
    total_training_steps=250_000,
    skip_reduction_layer_input=1,
  )


def mobile_imagenet_config() -> network.NasNetConfig:
  """Return the hyperparameters of the mobile network."""
  return network.NasNetConfig(
    num_cells=12,
    num_conv_filters=44,
    stem_multiplier=1.0,
    drop_path_keep_prob=1.0,
    dense_dropout_keep_prob=0.5,
    total_training_steps=250_000,
    skip_reduction_layer_input=0,
  )


def nasnet_cifar_arg_scope(
  weight_decay: float = 5e-4,
  batch_norm_decay: float = 0.9,
  batch_norm_epsilon: float = 1e-5,
) -> dict:
  """Return the arg scope for CIFAR-10. See `network.arg_scope`."""
  return network.arg_scope(weight_decay, batch_norm_decay, batch_norm_epsilon)


def nasnet_mobile_arg_scope(
  weight_decay: float = 4e-5,
  batch_norm_decay: float = 0.9997,
  batch_norm_epsilon: float = 1e-3,
) -> dict:
  """Return the mobile network's arg scope. See `network.arg_scope`."""
  return network.arg_scope(weight_decay, batch_norm_decay, batch_norm_epsilon)


def nasnet_large_arg_scope(
  weight_decay: float = 5e-5,
  batch_norm_decay: float = 0.9997,
  batch_norm_epsilon: float = 1e-3,
) -> dict:
  """Return the large network's arg scope. See `network.arg_scope`."""
  return network.arg_scope(weight_decay, batch_norm_decay, batch_norm_epsilon)


def _cells(config, stem_cells):
  """Return the normal and the reduction cell of a network."""
  # The reduction cells count too when paths are dropped more in later cells.
  total = config.num_cells + config.num_reduction_layers + stem_cells
  return [
    cell(
      config.num_conv_filters,
      config.drop_path_keep_prob,
      total,
      config.total_training_steps,
      config.use_bounded_activation,
    )
    for cell in (
      nasnet_utils.NasNetANormalCell,
      nasnet_utils.NasNetAReductionCell,
    )
  ]


def _stages(
  images, num_classes, is_training, config, for_cifar, current_step, cells=None
):
  """Yield the end points of a network, each with its tensor."""
  normal, reduction = cells or _cells(config, 0 if for_cifar else 2)
  if for_cifar:
    stack = network.cifar_stem(images, config, current_step=current_step)
  else:
    stack = network.imagenet_stem(
      images, config, reduction, current_step=current_step
    )
  yield 'Stem', stack.outputs[-1]
  done = 0
  for i in range(config.num_cells):
    prev_layer = stack.outputs[-2]
    if i in stack.reductions:
      done += 1
      net = stack.add(reduction, f'reduction_cell_{done - 1}', done, stride=2)
      yield f'Reduction_Cell_{done - 1}', net
    if not config.skip_reduction_layer_input:
      prev_layer = stack.outputs[-2]
    net = stack.add(normal, f'cell_{i}', done, prev_layer=prev_layer)
    yield f'Cell_{i}', net
    if network.has_aux_head(stack, i, num_classes, is_training, config):
      yield 'AuxLogits', network.aux_head(net, num_classes, config, f'aux_{i}')
  yield from network.classifier(stack.outputs[-1], num_classes, config)


def _build_nasnet_base(
  images,
  normal_cell,
  reduction_cell,
  num_classes,
  hparams,
  is_training,
  stem_type,
  final_endpoint=None,
  current_step=None,
):
  """Build a NASNet from cells of the caller's, who opens the arg scopes.

  Args:
    images: [batch, height, width, 3] in [-1, 1], in the data format of hparams.
    normal_cell: builds a cell that keeps the size.
    reduction_cell: builds a cell that halves it.
    num_classes: number of classes; None or 0 leaves out the classifier.
    hparams: the hyperparameters, with the attributes of `network.NasNetConfig`.
    is_training: whether the network is built for training.
    stem_type: 'imagenet' or 'cifar'.
    final_endpoint: the end point to stop at; None builds all.
    current_step: see `build_nasnet_cifar`.

  Returns:
    See `build_nasnet_cifar`.

  Raises:
    ValueError: if there is no such stem or end point.
  """
  if stem_type not in ('cifar', 'imagenet'):
    raise ValueError(f'Unknown stem_type {stem_type!r}: cifar or imagenet.')
  stages = _stages(
    images,
    num_classes,
    is_training,
    hparams,
    stem_type == 'cifar',
    current_step,
    cells=(normal_cell, reduction_cell),
  )
  return network.gather(stages, final_endpoint)


def build_nasnet_cifar(
  images: tf.Tensor,
  num_classes: int | None,
  is_training: bool | tf.Tensor = True,
  config: network.NasNetConfig | None = None,
  current_step: tf.Tensor | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build NASNet-A for CIFAR-10.

  Args:
    images: [batch, height, width, 3] in [-1, 1], of known height and width.
    num_classes: number of classes; None or 0 leaves out the classifier.
    is_training: whether the network is built for training: dropout, dropping of
      paths, moments of the batch, and the auxiliary head.
    config: the hyperparameters, a `network.NasNetConfig`; None means
      `cifar_config()`. It is not changed.
    current_step: the training step, a scalar, by which more paths are dropped;
      None means the global step.

  Returns:
    Logits, [batch, num_classes], or the features, [batch, channels]; and the
    end points: 'Stem', 'Cell_N', 'Reduction_Cell_N', 'global_pool', 'Logits',
    'Predictions', and 'AuxLogits' in training.
  """
  return network.build(
    _stages,
    images,
    num_classes,
    is_training,
    cifar_config() if config is None else config,
    for_cifar=True,
    current_step=current_step,
  )


build_nasnet_cifar.default_image_size = 32


def build_nasnet_mobile(
  images: tf.Tensor,
  num_classes: int | None,
  is_training: bool | tf.Tensor = True,
  final_endpoint: str | None = None,
  config: network.NasNetConfig | None = None,
  current_step: tf.Tensor | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the mobile NASNet-A. See `build_nasnet_cifar` for the others.

  Args:
    images: as for `build_nasnet_cifar`.
    num_classes: as there.
    is_training: as there.
    final_endpoint: the end point to stop at and return in the logits' place;
      None means to build all.
    config: None means `mobile_imagenet_config()`.
    current_step: as there.

  Returns:
    As there.

  Raises:
    ValueError: if there is no such end point.
  """
  return network.build(
    _stages,
    images,
    num_classes,
    is_training,
    mobile_imagenet_config() if config is None else config,
    final_endpoint=final_endpoint,
    for_cifar=False,
    current_step=current_step,
  )


build_nasnet_mobile.default_image_size = 224


def build_nasnet_large(
  images: tf.Tensor,
  num_classes: int | None,
  is_training: bool | tf.Tensor = True,
  final_endpoint: str | None = None,
  config: network.NasNetConfig | None = None,
  current_step: tf.Tensor | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the large NASNet-A. See `build_nasnet_mobile` for arguments.

  `config` None means `large_imagenet_config()`.
  """
  return build_nasnet_mobile(
    images,
    num_classes,
    is_training,
    final_endpoint,
    large_imagenet_config() if config is None else config,
    current_step,
  )


build_nasnet_large.default_image_size = 331

"""The straightforward TensorFlow 1 way, to compare with.

Queues filled by Python threads, whole images decoded and then cropped, one
operation after the other: as tutorials of the time write it. The
preprocessing does what that of this library does, with `tf.image` alone.
"""

import contextlib

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim

_THREADS = 4
_READERS = 4
_MEANS = (123.68, 116.78, 103.94)


def batches(dataset, preprocess, batch_size: int, *, shuffle=True):
  """Return images and labels of a batch, from queues.

  Args:
    dataset: a slim Dataset.
    preprocess: fn(image) -> image of a fixed size.
    batch_size: images in a batch.
    shuffle: whether records are read in a random order.
  """
  provider = slim.dataset_data_provider.DatasetDataProvider(
    dataset,
    num_readers=_READERS if shuffle else 1,
    shuffle=shuffle,
    common_queue_capacity=20 * batch_size,
    common_queue_min=10 * batch_size,
  )
  image, label = provider.get(['image', 'label'])
  images, labels = tf.train.batch(
    [preprocess(image), label],
    batch_size=batch_size,
    num_threads=_THREADS,
    capacity=5 * batch_size,
  )
  queue = slim.prefetch_queue.prefetch_queue([images, labels], capacity=2)
  return queue.dequeue()


@contextlib.contextmanager
def session():
  """Yield a session of the default graph with its queues running."""
  with tf.Session() as result:
    result.run(
      [
        tf.global_variables_initializer(),
        tf.local_variables_initializer(),
        tf.tables_initializer(),
      ]
    )
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(result, coordinator)
    try:
      yield result
    finally:
      coordinator.request_stop()
      result.run([])
      coordinator.join(threads, ignore_live_threads=True)


@contextlib.contextmanager
def training(network_fn, images, labels, num_classes: int):
  """Yield a function that trains one step, as slim.learning.train does.

  Args:
    network_fn: fn(images) -> logits, end points.
    images: a batch of images.
    labels: their labels.
    num_classes: how many classes there are.
  """
  logits, end_points = network_fn(images)
  one_hot = tf.one_hot(labels, num_classes)
  if 'AuxLogits' in end_points:
    tf.losses.softmax_cross_entropy(
      one_hot, end_points['AuxLogits'], weights=0.4
    )
  tf.losses.softmax_cross_entropy(one_hot, logits)
  global_step = tf.train.create_global_step()
  optimizer = tf.train.RMSPropOptimizer(0.01, 0.9, momentum=0.9, epsilon=1.0)
  train_op = slim.learning.create_train_op(
    tf.losses.get_total_loss(), optimizer, global_step
  )
  kwargs = {'should_log': tf.equal(global_step % 10, 0)}
  supervisor = tf.train.Supervisor(logdir=None, global_step=global_step)
  with supervisor.managed_session() as session:

    def step():
      slim.learning.train_step(session, train_op, global_step, kwargs)

    yield step


def metrics(logits, labels) -> list:
  """Return the ops that add a batch to the accuracy and the recall at 5."""
  predictions = tf.argmax(logits, 1)
  in_top_5 = tf.nn.in_top_k(logits, labels, min(5, logits.shape[1]))
  return [
    tf.metrics.accuracy(labels, predictions)[1],
    tf.metrics.mean(tf.cast(in_top_5, tf.float32))[1],
  ]


def _inception_train(image, size):
  image = tf.image.convert_image_dtype(image, tf.float32)
  begin, extent, _ = tf.image.sample_distorted_bounding_box(
    tf.shape(image),
    bounding_boxes=[[[0.0, 0.0, 1.0, 1.0]]],
    min_object_covered=0.1,
    aspect_ratio_range=(0.75, 1.33),
    area_range=(0.05, 1.0),
    max_attempts=100,
    use_image_if_no_bounding_boxes=True,
  )
  image = tf.slice(image, begin, extent)
  image.set_shape([None, None, 3])
  image = tf.image.resize_images(image, [size, size])
  image = tf.image.random_flip_left_right(image)

  def brightness(image):
    return tf.image.random_brightness(image, 32.0 / 255.0)

  def saturation(image):
    return tf.image.random_saturation(image, 0.5, 1.5)

  image = tf.cond(
    tf.random.uniform([]) < 0.5,
    lambda: saturation(brightness(image)),
    lambda: brightness(saturation(image)),
  )
  image = tf.clip_by_value(image, 0.0, 1.0)
  return (image - 0.5) * 2.0


def _inception_eval(image, size):
  image = tf.image.convert_image_dtype(image, tf.float32)
  image = tf.image.central_crop(image, 0.875)
  image = tf.image.resize_images(image, [size, size])
  return (image - 0.5) * 2.0


def _resize_smallest_side(image, side):
  shape = tf.cast(tf.shape(image)[:2], tf.float32)
  scale = tf.cast(side, tf.float32) / tf.reduce_min(shape)
  return tf.image.resize_images(
    image, tf.cast(tf.rint(shape * scale), tf.int32)
  )


def _vgg_train(image, size):
  side = tf.random.uniform([], max(256, size), 513, tf.int32)
  image = _resize_smallest_side(image, side)
  image = tf.image.random_crop(image, [size, size, 3])
  image = tf.image.random_flip_left_right(image)
  return image - tf.constant(_MEANS)


def _vgg_eval(image, size):
  side = 256 if size <= 256 else round(size * 256 / 224)
  image = _resize_smallest_side(image, side)
  shape = tf.shape(image)
  top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
  image = tf.slice(image, [top, left, 0], [size, size, 3])
  return image - tf.constant(_MEANS)


def _lenet(image, size):
  image = tf.cast(image, tf.float32)
  image = tf.image.resize_image_with_crop_or_pad(image, size, size)
  return (image - 128.0) / 128.0


def _cifarnet_train(image, size):
  image = tf.cast(image, tf.float32)
  image = tf.pad(image, [[4, 4], [4, 4], [0, 0]])
  image = tf.image.random_crop(image, [size, size, 3])
  image = tf.image.random_flip_left_right(image)
  image = tf.image.random_brightness(image, 63)
  image = tf.image.random_contrast(image, 0.2, 1.8)
  return tf.image.per_image_standardization(image)


def _cifarnet_eval(image, size):
  image = tf.cast(image, tf.float32)
  image = tf.image.resize_image_with_crop_or_pad(image, size, size)
  return tf.image.per_image_standardization(image)


_PREPROCESSING = {
  ('inception', True): _inception_train,
  ('inception', False): _inception_eval,
  ('vgg', True): _vgg_train,
  ('vgg', False): _vgg_eval,
  ('lenet', True): _lenet,
  ('lenet', False): _lenet,
  ('cifarnet', True): _cifarnet_train,
  ('cifarnet', False): _cifarnet_eval,
}


def preprocessing(family: str, is_training: bool, size: int, channels: int):
  """Return fn(image) -> float32 [size, size, channels]."""
  function = _PREPROCESSING[family, is_training]

  def preprocess(image):
    result = function(image, size)
    result.set_shape([size, size, channels])
    return result

  return preprocess

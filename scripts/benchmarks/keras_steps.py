"""Trains a network of keras.applications, so many steps at a time.

bench_train.py runs this as a process of its own, because Keras 3 needs
TensorFlow as it starts, with eager execution.
"""

import sys

import common
import keras
import numpy as np


def main(name, batch_size, image_size, num_classes):
  """Build the network, then trains as it is told until there is no more."""
  model = getattr(keras.applications, name)(
    weights=None,
    classes=num_classes,
    input_shape=(image_size, image_size, 3),
  )
  model.compile(
    optimizer=keras.optimizers.RMSprop(0.001),
    loss='sparse_categorical_crossentropy',
  )
  random = np.random.default_rng(0)
  shape = (batch_size, image_size, image_size, 3)
  images = random.uniform(-1, 1, shape).astype(np.float32)
  labels = np.arange(batch_size) % num_classes
  common.answer(lambda: model.train_on_batch(images, labels))


if __name__ == '__main__':
  main(sys.argv[1], *map(int, sys.argv[2:]))

"""TensorFlow's image decoder, for the rare image that is in doubt."""

import tensorflow.compat.v1 as tf


class ImageDecoder:
  """Decodes one image at a time in a graph and session of its own."""

  def __init__(self):
    with tf.Graph().as_default() as graph:
      self._data = tf.placeholder(tf.string, [])
      self._image = tf.io.decode_image(
        self._data, channels=3, expand_animations=False
      )
    self._session = tf.Session(
      graph=graph, config=tf.ConfigProto(device_count={'GPU': 0})
    )

  def decode(self, data: bytes):
    """Returns the image, uint8 of [height, width, 3].

    Raises:
      tf.errors.InvalidArgumentError: if it cannot be decoded.
    """
    return self._session.run(self._image, {self._data: data})

  def decodes(self, data: bytes) -> bool:
    """Says whether an image can be decoded."""
    try:
      self.decode(data)
    except tf.errors.InvalidArgumentError:
      return False
    return True

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from preprocessing import color_ops, inception_preprocessing


def strengths(brightness, saturation):
  return color_ops.Strengths(
    tf.constant(brightness), tf.constant(saturation), None, None
  )


def expected(image, brightness, saturation, brightness_first):
  if brightness_first:
    image = tf.image.adjust_saturation(image + brightness, saturation)
  else:
    image = tf.image.adjust_saturation(image, saturation) + brightness
  return tf.clip_by_value(image, 0.0, 1.0)


@pytest.mark.parametrize('brightness_first', [True, False])
@pytest.mark.parametrize(
  ('brightness', 'saturation'),
  [(0.12, 1.5), (-0.12, 1.5), (0.1, 0.5), (-0.05, 1.0), (0.0, 1.2)],
)
def test_one_pass_is_what_tf_image_does(
  brightness, saturation, brightness_first
):
  image = np.random.default_rng(0).uniform(size=(20, 20, 3))
  image[0, :4] = [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0]]
  image = tf.constant(image, tf.float32)
  by = strengths(brightness, saturation)
  found = [
    color_ops.brightness_and_saturation(image, by, brightness_first),
    color_ops.brightness_and_saturation(
      image * 255.0, by, brightness_first, white=255.0, low=-1.0, high=1.0
    ),
    expected(image, brightness, saturation, brightness_first),
  ]
  with tf.Session() as session:
    unit, scaled, wanted = session.run(found)
  np.testing.assert_allclose(unit, wanted, atol=2e-6)
  np.testing.assert_allclose(scaled, wanted * 2 - 1, atol=4e-6)


def test_strengths_span_their_ranges():
  lowest = color_ops.strengths([tf.constant(0.0)] * 4)
  highest = color_ops.strengths([tf.constant(1.0)] * 4)
  with tf.Session() as session:
    low, high = session.run([lowest, highest])
  np.testing.assert_allclose(low, [-32 / 255, 0.5, -0.2, 0.5], rtol=1e-6)
  np.testing.assert_allclose(high, [32 / 255, 1.5, 0.2, 1.5], rtol=1e-6)


@pytest.mark.parametrize(
  ('fast_mode', 'ordering'),
  [(True, 0), (True, 1), *((False, n) for n in range(4))],
)
def test_distort_color_repeats_with_a_seed(fast_mode, ordering):
  image = tf.constant(
    np.random.default_rng(1).uniform(size=(6, 6, 3)), tf.float32
  )

  def distorted(seed):
    return inception_preprocessing.distort_color(
      image, ordering, fast_mode, seed=tf.constant(seed)
    )

  with tf.Session() as session:
    one, same, other = session.run(
      [distorted([1, 2]), distorted([1, 2]), distorted([1, 3])]
    )
  np.testing.assert_array_equal(one, same)
  assert (one != other).any()
  assert one.min() >= 0
  assert one.max() <= 1


@pytest.mark.parametrize(('fast_mode', 'ordering'), [(True, 2), (False, 4)])
def test_distort_color_has_no_more_orderings(fast_mode, ordering):
  with pytest.raises(ValueError, match='color_ordering'):
    inception_preprocessing.distort_color(
      tf.zeros([2, 2, 3]), ordering, fast_mode
    )

"""The window of an image: what is chosen, and that it is cut out exactly."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from preprocessing import (
  image_ops,
  inception_plans,
  vgg_preprocessing,
  windows,
)

CROPS = 20_000


def picture(height, width, seed=0):
  random = np.random.default_rng(seed)
  coarse = random.integers(0, 256, (5, 7, 3), np.uint8)
  return np.asarray(
    Image.fromarray(coarse).resize((width, height), Image.BICUBIC)
  )


def jpeg(image, **options):
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, 'JPEG', **options)
  return buffer.getvalue()


def decoded(encoded):
  image = tf.io.decode_image(encoded, 3, expand_animations=False)
  image.set_shape([None, None, 3])
  return image


@pytest.mark.parametrize('progressive', [False, True])
@pytest.mark.parametrize('subsampling', ['4:4:4', '4:2:2', '4:2:0', '4:1:1'])
def test_decoding_a_window_is_decoding_and_cutting(subsampling, progressive):
  encoded = jpeg(
    picture(61, 83), subsampling=subsampling, progressive=progressive
  )
  window = tf.placeholder(tf.int32, [4])
  plan = windows.Plan(window, tf.identity)
  shape = windows.rgb_jpeg_shape(encoded)
  of_jpeg = windows.carry_out_on_jpeg(plan, encoded, shape)
  of_image = windows.carry_out(plan, decoded(encoded))
  random = np.random.default_rng(1)
  with tf.Session() as session:
    for _ in range(40):
      height, width = random.integers(1, 62), random.integers(1, 84)
      top = random.integers(0, 62 - height)
      left = random.integers(0, 84 - width)
      feed = {window: [top, left, height, width]}
      one, other = session.run([of_jpeg, of_image], feed)
      assert one.shape == (height, width, 3)
      np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
  ('mode', 'image_format'),
  [('L', 'JPEG'), ('CMYK', 'JPEG'), ('RGB', 'PNG'), ('RGB', 'GIF')],
)
def test_what_is_no_rgb_jpeg_has_no_shape(mode, image_format):
  buffer = io.BytesIO()
  Image.fromarray(picture(9, 11)).convert(mode).save(buffer, image_format)
  shapes = [
    windows.rgb_jpeg_shape(buffer.getvalue()),
    windows.rgb_jpeg_shape(jpeg(picture(9, 11))),
  ]
  with tf.Session() as session:
    other, rgb = session.run(shapes)
  assert other.tolist() == [0, 0, 0]
  assert rgb.tolist() == [9, 11, 3]


@pytest.mark.parametrize('shape', [(375, 500), (500, 333), (97, 61), (8, 8)])
def test_the_central_window_is_that_of_tf_image(shape):
  image = tf.zeros([*shape, 1])
  for fraction in (0.875, 0.5, 0.33, 1.0):
    window = windows.central(tf.shape(image), fraction)
    with tf.Session() as session:
      found = session.run(window)
    expected = tf.image.central_crop(image, fraction).shape[:2]
    assert tuple(found[2:]) == tuple(expected)
    assert (2 * found[:2] + found[2:]).tolist() == list(shape)


@pytest.mark.parametrize('shape', [(37, 50), (50, 37), (1, 9), (120, 90)])
def test_resizing_a_window_is_resizing_and_cutting(shape):
  image = picture(*shape).astype(np.float32)
  resized_shape = tf.placeholder(tf.int32, [2])
  start = tf.placeholder(tf.int32, [2])
  plan = windows.resized(
    tf.constant([*shape, 3]),
    tf.unstack(resized_shape),
    tf.unstack(start),
    height=20,
    width=24,
  )
  window = windows.carry_out(plan, tf.constant(image))
  expected = tf.slice(
    image_ops.resize(image, *tf.unstack(resized_shape)),
    tf.concat([start, [0]], 0),
    [20, 24, 3],
  )
  random = np.random.default_rng(2)
  with tf.Session() as session:
    for case in range(60):
      size = random.integers(24, 90, 2)
      place = random.integers(0, size - [19, 23])
      if case % 3 == 0:  # the far corner, where samples lie beyond the image
        place = size - [20, 24]
      feed = {resized_shape: size, start: place}
      one, other = session.run([window, expected], feed)
      np.testing.assert_allclose(one, other, atol=0.02)


@pytest.mark.parametrize('plan', [inception_plans.plan, vgg_preprocessing.plan])
@pytest.mark.parametrize('is_training', [True, False])
def test_plans_give_the_same_for_a_jpeg_and_its_image(plan, is_training):
  encoded = jpeg(picture(75, 100))
  seed = tf.placeholder(tf.int32, [2])
  shape = windows.rgb_jpeg_shape(encoded)
  image = decoded(encoded)
  of_jpeg = windows.carry_out_on_jpeg(
    plan(shape, 64, 64, is_training, seed), encoded, shape
  )
  of_image = windows.carry_out(
    plan(tf.shape(image), 64, 64, is_training, seed), image
  )
  with tf.Session() as session:
    found = [
      session.run([of_jpeg, of_image], {seed: [8, number]})
      for number in range(4)
    ]
  for one, other in found:
    np.testing.assert_array_equal(one, other)
  assert (found[0][0] == found[1][0]).all() == (not is_training)


def collect(dataset):
  """Returns the rows of a dataset of [5] vectors: the window, its mean."""
  batch = tf.data.make_one_shot_iterator(dataset.batch(CROPS)).get_next()
  with tf.Session() as session:
    return session.run(batch)


def test_crops_are_distributed_as_those_of_decoded_images():
  """Compares 20,000 crops of each way, to four standard errors.

  In a world where the two ways do the same, each of the ten comparisons fails
  with probability 6e-5; seeds are fixed.
  """
  encoded = jpeg(picture(48, 64))

  def planned(number):
    shape = windows.rgb_jpeg_shape(encoded)
    seed = tf.stack([3, tf.cast(number, tf.int32)])
    plan = inception_plans.train_plan(shape, 8, 8, seed=seed)
    pixels = windows.carry_out_on_jpeg(
      windows.Plan(plan.window, tf.identity), encoded, shape
    )
    return row(*tf.unstack(plan.window), pixels)

  def general(number):
    del number
    image = decoded(encoded)
    begin, size, _ = tf.image.sample_distorted_bounding_box(
      tf.shape(image),
      bounding_boxes=[[[0.0, 0.0, 1.0, 1.0]]],
      seed=5,
      seed2=7,
      min_object_covered=0.1,
      aspect_ratio_range=(0.75, 1.33),
      area_range=(0.05, 1.0),
      max_attempts=100,
      use_image_if_no_bounding_boxes=True,
    )
    return row(
      begin[0], begin[1], size[0], size[1], tf.slice(image, begin, size)
    )

  def row(top, left, height, width, pixels):
    mean = tf.reduce_mean(tf.cast(pixels, tf.float32))
    return tf.stack(
      [
        *(tf.cast(value, tf.float32) for value in (top, left, height, width)),
        mean,
      ]
    )

  numbers = tf.data.Dataset.range(CROPS)
  one = collect(numbers.map(planned, num_parallel_calls=2))
  other = collect(numbers.map(general))
  for values in (lambda rows: rows, lambda rows: (rows - rows.mean(0)) ** 2):
    first, second = values(one), values(other)
    error = np.sqrt((first.var(0) + second.var(0)) / CROPS)
    assert (abs(first.mean(0) - second.mean(0)) < 4 * error).all()
  # The test can fail: the boxes do vary.
  assert (one.std(0) > 1).all()

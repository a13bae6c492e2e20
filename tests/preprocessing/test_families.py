"""Every family: shapes, ranges, types, seeds; and what is theirs alone."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import nets_factory
from preprocessing import (
  cifarnet_preprocessing,
  color_ops,
  image_ops,
  inception_preprocessing,
  lenet_preprocessing,
  preprocessing_factory,
  vgg_preprocessing,
)
from slim_support import errors

FAMILIES = {
  'cifarnet': (-10, 10),
  'inception': (-1, 1),
  'lenet': (-1, 1),
  'vgg': (-124, 152),
}


def image(height=40, width=50, channels=3, seed=0):
  random = np.random.default_rng(seed)
  return random.integers(0, 256, (height, width, channels), np.uint8)


def run(tensors):
  with tf.Session() as session:
    return session.run(tensors)


def preprocess(family, pixels, is_training, size=32, **options):
  function = preprocessing_factory.get_preprocessing(
    family, is_training=is_training
  )
  return function(pixels, size, size, **options)


@pytest.mark.parametrize('family', FAMILIES)
@pytest.mark.parametrize('is_training', [True, False])
@pytest.mark.parametrize('shape', [(40, 50, 3), (20, 25, 3), (33, 32, 1)])
def test_shape_and_range(family, is_training, shape):
  pixels = tf.placeholder(tf.uint8, [None, None, shape[2]])
  result = preprocess(family, pixels, is_training)
  assert result.shape.as_list() == [32, 32, shape[2]]
  assert result.dtype == tf.float32
  with tf.Session() as session:
    found = session.run(result, {pixels: image(*shape)})
  low, high = FAMILIES[family]
  assert low <= found.min() < found.max() <= high


@pytest.mark.parametrize('family', FAMILIES)
@pytest.mark.parametrize('is_training', [True, False])
def test_grayscale(family, is_training):
  function = preprocessing_factory.get_preprocessing(
    family, is_training=is_training, use_grayscale=True
  )
  assert function(tf.constant(image()), 32, 32).shape == (32, 32, 1)


@pytest.mark.parametrize('family', ['cifarnet', 'inception', 'vgg'])
def test_a_seed_decides_and_without_one_every_run_differs(family):
  pixels = tf.constant(image())
  seeded = [
    preprocess(family, pixels, True, seed=tf.constant(seed))
    for seed in ([4, 5], [4, 5], [4, 6], [5, 5])
  ]
  fresh = preprocess(family, pixels, True)
  with tf.Session() as session:
    one, same, *others = session.run(seeded)
    others += [session.run(fresh), session.run(fresh)]
  np.testing.assert_array_equal(one, same)
  seen = [one, *others]
  for index, first in enumerate(seen):
    for second in seen[index + 1 :]:
      assert (first != second).any()


@pytest.mark.parametrize('family', FAMILIES)
def test_floats_and_integers_mean_the_same(family):
  pixels = image()
  scale = 255 if family == 'inception' else 1
  as_float = (pixels / scale).astype(np.float32)
  one, other = run(
    [
      preprocess(family, tf.constant(values), False)
      for values in (pixels, as_float)
    ]
  )
  np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize('family', ['cifarnet', 'lenet'])
@pytest.mark.parametrize('is_training', [True, False])
def test_parts_make_the_same_batch_as_images_one_by_one(family, is_training):
  parts = preprocessing_factory.get_parts(family)
  pixels = [image(seed=seed) for seed in range(3)]
  seeds = [tf.constant([2, number]) for number in range(3)]
  options = [{'seed': seed} if is_training else {} for seed in seeds]
  singly = tf.stack(
    [
      preprocess(family, tf.constant(one), is_training, **option)
      for one, option in zip(pixels, options, strict=True)
    ]
  )
  started = [
    parts.start(tf.constant(one), 32, 32, is_training, seed)
    for one, seed in zip(pixels, seeds, strict=True)
  ]
  batch = {
    name: tf.stack([part[name] for part in started]) for name in started[0]
  }
  one, other = run([singly, parts.finish(batch)])
  np.testing.assert_allclose(one, other, atol=1e-5)


def test_every_network_has_preprocessing():
  missing = set(nets_factory.networks()) - set(preprocessing_factory.names())
  assert not missing


def test_an_unknown_name_is_answered_with_a_near_one():
  for function in (
    preprocessing_factory.get_preprocessing,
    preprocessing_factory.get_parts,
  ):
    with pytest.raises(errors.UserError, match='Did you mean inception'):
      function('incepton')


def test_height_and_width_may_be_given_beforehand():
  function = preprocessing_factory.get_preprocessing('vgg', height=24, width=20)
  assert function(tf.constant(image())).shape == (24, 20, 3)


def test_lenet_centres_and_scales():
  pixels = np.array([[[0], [128]], [[255], [64]]], np.uint8)
  found = run(
    lenet_preprocessing.preprocess_image(tf.constant(pixels), 4, 4, True)
  )
  expected = np.full((4, 4, 1), -1.0)
  expected[1:3, 1:3, 0] = [[-1.0, 0.0], [127 / 128, -0.5]]
  np.testing.assert_array_equal(found, expected)


def test_vgg_subtracts_the_means():
  pixels = tf.constant(np.full((300, 280, 3), 100, np.uint8))
  both = [
    preprocess('vgg', pixels, training, 224) for training in (True, False)
  ]
  for found in run(both):
    expected = 100 - np.array([123.68, 116.78, 103.94], np.float32)
    np.testing.assert_allclose(
      found, np.broadcast_to(expected, found.shape), atol=1e-4
    )


def test_vgg_evaluates_the_centre_of_the_resized_image():
  pixels = image(300, 400)
  resized = tf.image.resize_images(pixels, [256, 341])[16:240, 58:282]
  found, expected = run([preprocess('vgg', pixels, False, 224), resized])
  expected = expected - np.array([123.68, 116.78, 103.94])
  np.testing.assert_allclose(found, expected, atol=1e-3)


def test_vgg_trains_on_sides_from_the_least_to_the_greatest():
  # A ramp of columns: how far neighbours are apart tells the scale.
  pixels = np.zeros((64, 250, 3), np.uint8)
  pixels[:] = np.arange(250)[:, np.newaxis]
  seed = tf.placeholder(tf.int32, [2])
  result = vgg_preprocessing.preprocess_for_train(
    tf.constant(pixels), 24, 24, 32, 35, seed=seed
  )
  sides = []
  with tf.Session() as session:
    for number in range(60):
      row = session.run(result, {seed: [1, number]})[0, :, 0]
      sides.append(round(64 / abs(row[20] - row[10]) * 10))
  assert set(sides) == {32, 33, 34, 35}


@pytest.mark.parametrize('contrast', [0.2, 1.0, 1.8])
@pytest.mark.parametrize('channels', [1, 3])
def test_cifarnet_does_what_tf_image_does(contrast, channels):
  pixels = image(8, 9, channels)
  changed = tf.image.adjust_contrast(tf.cast(pixels, tf.float32) + 20, contrast)
  expected = tf.image.per_image_standardization(changed)
  found = cifarnet_preprocessing.finish(
    {
      'image': tf.constant(pixels)[tf.newaxis],
      'contrast': tf.constant([contrast]),
    }
  )
  one, other = run([found[0], expected])
  np.testing.assert_allclose(one, other, atol=1e-5)


def test_cifarnet_leaves_an_image_of_one_colour_finite():
  pixels = tf.constant(np.full((32, 32, 3), 90, np.uint8))
  found = run(preprocess('cifarnet', pixels, False))
  np.testing.assert_allclose(found, 0, atol=1e-3)


def test_cifarnet_crops_and_flips_everywhere():
  # The only bright pixel shows where the window lies and whether it is turned.
  pixels = np.zeros((4, 4, 1), np.uint8)
  pixels[0, 0] = 255
  seed = tf.placeholder(tf.int32, [2])
  result = cifarnet_preprocessing.preprocess_for_train(
    tf.constant(pixels), 4, 4, padding=2, add_image_summaries=False, seed=seed
  )
  places = set()
  with tf.Session() as session:
    for number in range(200):
      found = session.run(result, {seed: [1, number]})[..., 0]
      places.add(int(found.argmax()) if np.ptp(found) > 0 else None)
  # Rows 0 to 2 hold it, in any column thanks to the flip; or it is left out.
  assert places == {*range(12), None}


def test_inception_evaluates_the_centre():
  pixels = np.zeros((16, 16, 3), np.uint8)
  pixels[1:15, 1:15] = 255
  found = run(preprocess('inception', tf.constant(pixels), False, 14))
  np.testing.assert_array_equal(found, np.ones((14, 14, 3), np.float32))


def test_inception_keeps_the_size_where_none_is_given():
  result = inception_preprocessing.preprocess_for_eval(
    image(16, 24), None, None
  )
  assert run(result).shape == (14, 22, 3)


def test_inception_crops_cover_the_box():
  box = tf.constant([[[0.4, 0.4, 0.6, 0.6]]])
  pixels = np.zeros((50, 50, 1), np.uint8)
  pixels[20:30, 20:30] = 1
  seed = tf.placeholder(tf.int32, [2])
  window, found_box = inception_preprocessing.distorted_bounding_box_crop(
    tf.constant(pixels), box, min_object_covered=0.5, seed=seed
  )
  with tf.Session() as session:
    for number in range(50):
      cut, where = session.run([window, found_box], {seed: [2, number]})
      assert cut.sum() >= 50
      assert where.shape == (1, 1, 4)


@pytest.mark.parametrize('fast_mode', [True, False])
def test_inception_without_a_crop_keeps_the_whole_image(fast_mode):
  pixels = tf.constant(np.full((20, 30, 3), 128, np.uint8))
  result = inception_preprocessing.preprocess_image(
    pixels, 10, 10, is_training=True, crop_image=False, fast_mode=fast_mode
  )
  found = run(result)
  assert found.shape == (10, 10, 3)
  np.testing.assert_allclose(found, found[0, 0, 0], atol=1e-5)


def test_image_summaries_only_where_wanted():
  for wanted, count in ((False, 0), (True, 4)):
    tf.reset_default_graph()
    preprocess(
      'inception', tf.constant(image()), True, add_image_summaries=wanted
    )
    assert len(tf.get_collection(tf.GraphKeys.SUMMARIES)) == count


def test_inceptions_fast_mode_changes_brightness_then_saturation():
  """In that order for every image, as for the published networks."""
  pixels = image(10, 10)
  seed = tf.placeholder(tf.int32, [2])
  found = inception_preprocessing.preprocess_for_train(
    tf.constant(pixels),
    10,
    10,
    None,
    random_crop=False,
    add_image_summaries=False,
    seed=seed,
  )
  flip, _, _, *draws = image_ops.draws(image_ops.derive(seed, 1), 7)
  by = color_ops.strengths(draws)
  wanted = image_ops.random_flip(tf.constant(pixels / 255, tf.float32), flip)
  wanted = tf.image.adjust_saturation(wanted + by.brightness, by.saturation)
  wanted = tf.clip_by_value(wanted, 0.0, 1.0) * 2 - 1
  with tf.Session() as session:
    for number in range(8):
      one, other = session.run([found, wanted], {seed: [3, number]})
      np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
  ('family', 'tags'),
  [
    (
      'inception',
      [
        'distort_image/image_with_bounding_boxes',
        'distort_image/images_with_distorted_bounding_box',
        'distort_image/cropped_resized_image',
        'distort_image/final_distorted_image',
      ],
    ),
    ('cifarnet', ['image', 'distorted_image']),
  ],
)
def test_pictures_show_the_distortion_of_an_image(family, tags):
  seed = tf.constant([5, 6])
  pixels = tf.constant(image(40, 50))
  shown = preprocessing_factory.get_parts(family).pictures(pixels, 32, 32, seed)
  assert [*shown] == tags
  found, trained = run([shown, preprocess(family, pixels, True, seed=seed)])
  first, last = found[tags[0]], found[tags[-1]]
  assert first.shape == (1, 40, 50, 3)
  assert last.shape == (1, 32, 32, 3)
  correlation = np.corrcoef(last.ravel(), trained.ravel())[0, 1]
  assert correlation > 0.99
  if family == 'inception':
    np.testing.assert_allclose(last[0] * 2 - 1, trained, atol=1e-5)
    boxed = found[tags[1]]
    assert (boxed != first).any()
    assert all(0 <= one.min() <= one.max() <= 1 for one in found.values())


@pytest.mark.parametrize('kind', ['noise', 'bright', 'ramp'])
def test_cifarnet_is_exact_for_large_images(kind):
  side = 700
  rows, columns = np.mgrid[:side, :side] * 255 // side
  pixels = {
    'noise': image(side, side),
    'bright': 240 + image(side, side) % 10,
    'ramp': np.stack([rows, columns, (rows + columns) // 2], 2),
  }[kind].astype(np.uint8)
  found = run(preprocess('cifarnet', tf.constant(pixels), False, side))
  exact = (pixels - pixels.mean()) / pixels.std()
  np.testing.assert_allclose(found, exact, atol=1e-5)


def test_cifarnet_changes_the_contrast_of_large_images_exactly():
  pixels = image(300, 300)
  found = cifarnet_preprocessing.finish(
    {
      'image': tf.constant(pixels)[tf.newaxis],
      'contrast': tf.constant([0.2]),
    }
  )
  means = pixels.mean((0, 1))
  changed = (pixels - means) * 0.2 + means
  exact = (changed - changed.mean()) / changed.std()
  np.testing.assert_allclose(run(found)[0], exact, atol=1e-5)


def test_steps_of_vgg_by_their_old_names():
  pixels = tf.constant(image(40, 60))
  means = [
    getattr(vgg_preprocessing, name)
    for name in ('_R_MEAN', '_G_MEAN', '_B_MEAN')
  ]
  assert means == [123.68, 116.78, 103.94]
  resized = vgg_preprocessing._aspect_preserving_resize(pixels, 20)
  (centre,) = vgg_preprocessing._central_crop([resized], 10, 12)
  one, same = vgg_preprocessing._random_crop([pixels, pixels + 0], 8, 9)
  less = vgg_preprocessing._mean_image_subtraction(
    tf.cast(one, tf.float32), means
  )
  assert centre.shape.as_list() == [10, 12, 3]
  found = run([resized, centre, one, same, less])
  assert found[0].shape == (20, 30, 3)
  np.testing.assert_array_equal(found[1], found[0][5:15, 9:21])
  np.testing.assert_array_equal(found[2], found[3])
  np.testing.assert_allclose(found[4], found[2] - np.float32(means), atol=1e-4)
  with pytest.raises(ValueError, match='2 means'):
    vgg_preprocessing._mean_image_subtraction(resized, [1.0, 2.0])
  with pytest.raises(ValueError, match='no images'):
    vgg_preprocessing._random_crop([], 2, 2)


def test_apply_with_random_selector_takes_every_case():
  result = inception_preprocessing.apply_with_random_selector(
    tf.constant(10), lambda x, case: x + case, 3
  )
  with tf.Session() as session:
    assert {session.run(result) for _ in range(60)} == {10, 11, 12}


def test_draws_are_uniform_and_scaled_ones_stay_below():
  draws = tf.stack(image_ops.draws(tf.constant([3, 4]), 3))
  almost_one = tf.constant(np.nextafter(np.float32(1), np.float32(0)))
  found, most, least = run(
    [
      draws,
      image_ops.scaled_int(almost_one, 256, 513),
      image_ops.scaled_int(tf.constant(0.0), 256, 513),
    ]
  )
  assert len(set(found.tolist())) == 3
  assert (least, most) == (256, 512)


def test_subtract_mean_wants_a_mean_for_every_channel():
  with pytest.raises(ValueError, match='2 means'):
    image_ops.subtract_mean(tf.zeros([2, 2, 3]), [1, 2])

"""How data sets in many files name and number them."""

_SAMPLES_A_SHARD = 1000
_MAX_SHARDS = 128


def numbered_names(dataset_name: str):
  """Returns the naming `NAME_train-00000-of-00005.tfrecord`."""
  return lambda split, index, count: (
    f'{dataset_name}_{split}-{index:05}-of-{count:05}.tfrecord'
  )


def num_shards(wanted: int | None, num_samples: int) -> int:
  """Returns into how many files a split goes, none of them empty.

  Args:
    wanted: what the user asked for; None for one file a thousand samples.
    num_samples: the number of samples.
  """
  if wanted is None:
    wanted = min(-(-num_samples // _SAMPLES_A_SHARD), _MAX_SHARDS)
  return max(1, min(wanted, num_samples))

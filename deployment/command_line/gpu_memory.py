"""How TensorFlow takes the memory of GPUs."""

import os


def allocate_as_needed() -> None:
  """Let this process take GPU memory as needed instead of all at once.

  TensorFlow has one allocator per GPU and process, which the first session
  sets up; so this must be called before it.
  """
  os.environ['TF_FORCE_GPU_ALLOW_GROWTH'] = 'true'

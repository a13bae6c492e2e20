r"""Download a released checkpoint and print the path of the archive.

    python scripts/download_checkpoint.py \
      --model_name=inception_v3 \
      --output_dir=/tmp/checkpoints

The archive is what --checkpoint_path of training, evaluation and export takes.
Size and checksum are verified where they are known. A broken download resumes;
an archive that is there already is verified and not downloaded again.
"""

import dataclasses
import os
import tarfile

import _checkout  # noqa: F401  (finds the modules below)

from datasets.downloading import downloads
from deployment.command_line import entry
from nets import nets_factory
from nets.pretrained import Checkpoint
from slim_support import errors, files, flag_fields


def _released() -> list[str]:
  return [
    name
    for name in nets_factory.networks()
    if nets_factory.network(name).checkpoints
  ]


@dataclasses.dataclass(frozen=True)
class DownloadConfig(flag_fields.Config):
  """Which checkpoint to download, and where to."""

  model_name: str | None = flag_fields.string(
    None, 'Name of the network (required).', _released
  )
  image_size: int | None = flag_fields.integer(
    None,
    'Side of the images that the weights were trained on, where several were '
    'released; the largest by default.',
    minimum=1,
  )
  output_dir: str = flag_fields.string('.', 'Folder to write the archive to.')


flag_fields.define_flags(DownloadConfig)


def find(model_name: str, image_size: int | None) -> Checkpoint:
  """Return the released checkpoint of a network.

  Args:
    model_name: the name of the network.
    image_size: the side of its training images in pixels; None for the
      largest.

  Raises:
    UserError: if none was released for images of that size.
  """
  checkpoints = nets_factory.network(model_name).checkpoints
  for checkpoint in checkpoints:
    if image_size in (None, checkpoint.image_size):
      return checkpoint
  sizes = ', '.join(str(checkpoint.image_size) for checkpoint in checkpoints)
  raise errors.UserError(
    f'--image_size={image_size}: {model_name} was released for {sizes}.'
  )


def fetch(checkpoint: Checkpoint, folder: str) -> str:
  """Return the path of the downloaded and verified archive.

  Args:
    checkpoint: what to download.
    folder: where to write it.

  Raises:
    UserError: if it cannot be downloaded, or is not the released archive.
  """
  download = downloads.Download(
    checkpoint.archive, (checkpoint.url,), checkpoint.size, checkpoint.checksum
  )
  with files.report_full_disk(folder, 'Free some, and run it again.'):
    path = downloads.fetch(download, folder)
  if not tarfile.is_tarfile(path):
    raise errors.UserError(
      f'{path} is not an archive. Delete it and run the same command again.'
    )
  return path


def main() -> None:
  """Check the flags, then download the checkpoint."""
  config = flag_fields.from_flags(DownloadConfig)
  flag_fields.require(config, 'model_name', 'Name the network.')
  checkpoint = find(config.model_name, config.image_size)
  files.make_folder('output_dir', config.output_dir)
  print(os.path.abspath(fetch(checkpoint, config.output_dir)))


if __name__ == '__main__':
  entry.run(main)

r"""Download a released checkpoint.

    python scripts/download_checkpoint.py \
      --model_name=inception_v3 \
      --checkpoint_dir=/tmp/checkpoints

unpacks it, so that /tmp/checkpoints/inception_v3.ckpt is there, and prints the
command that evaluates it. With --output_dir instead, the archive stays as it
is, and its path is printed: --checkpoint_path takes archives, too.

Size and checksum are verified where they are known. A broken download resumes;
an archive that is there already is verified and not downloaded again.
"""

import dataclasses
import os

import _checkout  # noqa: F401  (finds the modules below)

from deployment.checkpoints import download
from deployment.command_line import entry
from slim_support import errors, flag_fields, targets


@dataclasses.dataclass(frozen=True)
class DownloadConfig(flag_fields.Config):
  """Which checkpoint to download, and where to."""

  model_name: str | None = flag_fields.string(
    None, 'Name of the network (required).', lambda: download.networks()
  )
  image_size: int | None = flag_fields.integer(
    None,
    'Side of the images that the weights were trained on, where several were '
    'released; the largest by default.',
    minimum=1,
  )
  checkpoint_dir: str | None = flag_fields.string(
    None, 'Folder to download to and to unpack the checkpoint in.'
  )
  output_dir: str | None = flag_fields.string(
    None,
    'Folder to download the archive to, without unpacking it; the current '
    'folder by default.',
  )
  list: bool = flag_fields.boolean(False, 'List the checkpoints and end.')

  def __post_init__(self):
    super().__post_init__()
    if self.checkpoint_dir and self.output_dir:
      raise errors.UserError(
        'Use either --checkpoint_dir, to unpack the checkpoint, or '
        '--output_dir.'
      )


flag_fields.define_flags(DownloadConfig)


def main() -> None:
  """Check the flags, then download the checkpoint."""
  config = flag_fields.from_flags(DownloadConfig)
  if config.list:
    print(download.listing())
    return
  flag_fields.require(
    config, 'model_name', 'Name the network; --list shows all.'
  )
  checkpoint = download.find(config.model_name, config.image_size)
  flag = 'checkpoint_dir' if config.checkpoint_dir else 'output_dir'
  folder = getattr(config, flag) or '.'
  targets.make_folder(flag, folder)
  archive = download.fetch(checkpoint, folder)
  if not config.checkpoint_dir:
    print(os.path.abspath(archive))
    return
  prefix = download.unpack(archive, folder)
  print(f'{prefix}\n\nEvaluate it with:\n')
  print(download.evaluation_command(config.model_name, checkpoint, prefix))


if __name__ == '__main__':
  entry.run(main)

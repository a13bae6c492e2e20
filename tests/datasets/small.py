"""A small source for the tests of the engine."""

from datasets.conversion import encoding, engine

COUNTS = {'train': 40, 'test': 10}
BODY = bytes(2000)


def make_sample(index):
  return encoding.Sample(b'%d' % index + BODY, 'png', 1, 2, index % 3)


def make_source(name='small', *, read=None, **options):
  def read_split(start, stop):
    for index in range(start, stop):
      body = b'%d' % index + BODY
      yield (
        read(index) if read else encoding.Sample(body, 'png', 1, 2, index % 3)
      )

  def open_content(unused_paths, unused_work):
    return engine.OpenedSource(
      {0: 'a', 1: 'b', 2: 'c'},
      {
        split: engine.Split(count, read_split, 4)
        for split, count in COUNTS.items()
      },
      fingerprint={'version': options.pop('version', 1)},
    )

  return engine.Source(
    name=name,
    open=open_content,
    shard_name=lambda split, index, count: f'{split}-{index}-{count}',
    **options,
  )

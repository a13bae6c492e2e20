from slim_support import progress


def test_plain_lines_say_speed_and_time_left(capsys):
  with progress.Progress('Converting', 40, interval=0.0) as bar:
    bar.skip(10)
    bar.add(10)
  line = capsys.readouterr().err.splitlines()[0]
  assert line.startswith('Converting: 20 images of 40 images (50%)')
  assert line.endswith(' s left')


def test_unknown_total_gives_no_share(capsys):
  with progress.Progress('Downloading', None, 'B', interval=0.0) as bar:
    bar.add(2_000_000)
  line = capsys.readouterr().err.splitlines()[0]
  assert line.startswith('Downloading: 2.0 MB ')
  assert '%' not in line
  assert 'left' not in line


def test_short_work_says_nothing(capsys):
  with progress.Progress('Converting', 2) as bar:
    bar.add(2)
  assert capsys.readouterr().err == ''

import dataclasses
import os
import pathlib

import pytest

from datasets import dataset_utils
from datasets.downloading import downloads
from slim_support.errors import UserError
from tests.datasets import made

DATA = bytes(range(256)) * 4000


def fetch(download, folder):
  return downloads.fetch(download, str(folder), made.FAST_RETRY)


def test_download_arrives_under_its_name_only(server, tmp_path):
  path = fetch(server.download('a.gz', DATA), tmp_path)
  assert made.folder_bytes(tmp_path) == {'a.gz': DATA}
  assert path == str(tmp_path / 'a.gz')


@pytest.mark.parametrize('with_ranges', [True, False])
def test_broken_connection_is_taken_up_again(server, tmp_path, with_ranges):
  download = server.download(
    'a.gz', DATA, breaks_after=[300_000], with_ranges=with_ranges
  )
  fetch(download, tmp_path)
  assert made.folder_bytes(tmp_path) == {'a.gz': DATA}
  first, second = server.requests
  assert first == ('/a.gz', None)
  assert second[1].startswith('bytes=')


def test_part_of_an_earlier_run_is_continued(server, tmp_path):
  download = server.download('a.gz', DATA)
  (tmp_path / 'a.gz.part').write_bytes(DATA[:700_000])
  fetch(download, tmp_path)
  assert server.requests == [('/a.gz', 'bytes=700000-')]
  assert made.folder_bytes(tmp_path) == {'a.gz': DATA}


@pytest.mark.parametrize('part', [b'x' * 1000, DATA + b'more'])
def test_wrong_part_of_an_earlier_run_is_replaced(server, tmp_path, part):
  download = server.download('a.gz', DATA)
  (tmp_path / 'a.gz.part').write_bytes(part)
  fetch(download, tmp_path)
  assert made.folder_bytes(tmp_path) == {'a.gz': DATA}


def test_connection_that_always_breaks_ends_in_finite_time(server, tmp_path):
  download = server.download(
    'a.gz', DATA, breaks_after=[10] * 20, with_ranges=False
  )
  with pytest.raises(UserError, match='the connection broke after 10 of'):
    fetch(download, tmp_path)
  assert len(server.requests) == made.FAST_RETRY.attempts
  assert not (tmp_path / 'a.gz').exists()


def test_flipped_byte_is_refused_and_both_sums_are_said(server, tmp_path):
  (tmp_path / 'precious').write_bytes(b'stays')
  right = server.download('a.gz', DATA)
  flipped = DATA[:1000] + b'\xff' + DATA[1001:]
  wrong = server.download('a.gz', flipped)
  with pytest.raises(UserError) as error:
    fetch(right, tmp_path)
  assert right.sha256 in str(error.value)
  assert wrong.sha256 in str(error.value)
  assert right.urls[0] in str(error.value)
  assert made.folder_bytes(tmp_path) == {'precious': b'stays'}


def test_placed_file_is_used_and_a_wrong_one_left_alone(server, tmp_path):
  download = server.download('a.gz', DATA)
  placed = tmp_path / 'a.gz'
  placed.write_bytes(DATA)
  assert fetch(download, tmp_path) == str(placed)
  placed.write_bytes(b'my own')
  with pytest.raises(UserError, match=f'expected {download.sha256}'):
    fetch(download, tmp_path)
  assert placed.read_bytes() == b'my own'
  assert server.requests == []


def test_web_page_is_told_from_an_archive(server, tmp_path):
  download = server.download('a.gz', DATA)
  server.put('a.gz', b'<!DOCTYPE html><title>Log in</title>')
  with pytest.raises(UserError, match='is a web page'):
    fetch(download, tmp_path)
  assert made.folder_bytes(tmp_path) == {}


@pytest.mark.parametrize('status', [403, 404, 503])
def test_mirror_is_tried_after_an_error(server, tmp_path, status):
  mirror = server.download('mirror', DATA)
  dead = server.put('a.gz', status=status)
  download = dataclasses.replace(
    mirror, filename='a.gz', urls=(dead, *mirror.urls)
  )
  fetch(download, tmp_path)
  assert made.folder_bytes(tmp_path) == {'a.gz': DATA}


def test_all_urls_are_named_when_none_works(server, tmp_path):
  urls = (server.put('a', status=404), 'http://127.0.0.1:1/a')
  with pytest.raises(UserError) as error:
    fetch(downloads.Download('a.gz', urls, 10, '0' * 64), tmp_path)
  assert all(url in str(error.value) for url in urls)
  assert 'place it' in str(error.value)


def test_endless_answer_is_cut_off(server, tmp_path):
  server.put('a.gz', DATA, with_length=False)
  short = downloads.Download('a.gz', (server.url('a.gz'),), 100, '0' * 64)
  with pytest.raises(UserError, match='more than the expected 100 bytes'):
    fetch(short, tmp_path)


def test_length_may_be_unknown(server, tmp_path):
  url = server.put('a.gz', DATA, with_length=False)
  fetch(downloads.Download('a.gz', (url,)), tmp_path)
  assert made.folder_bytes(tmp_path) == {'a.gz': DATA}


def test_silent_server_is_given_up(tmp_path):
  import socket

  with socket.socket() as listener:
    listener.bind(('127.0.0.1', 0))
    listener.listen()
    url = f'http://127.0.0.1:{listener.getsockname()[1]}/a'
    retry_policy = downloads.RetryPolicy(attempts=2, timeout=0.2, pause=0.01)
    with pytest.raises(UserError, match='timed out'):
      downloads.fetch(
        downloads.Download('a', (url,)), str(tmp_path), retry_policy
      )


def test_account_is_sent_and_never_shown(server, tmp_path):
  download = dataclasses.replace(
    server.download('a', DATA), authorization='Basic c2VjcmV0'
  )
  assert 'c2VjcmV0' not in repr(download)
  assert pathlib.Path(fetch(download, tmp_path)).read_bytes() == DATA


@pytest.mark.parametrize(
  'url',
  ['', 'x', 'file:///etc/passwd', 'ftp://x/y', 'http://[x/a', 'http:///a',
   'http://x y/a', 'http://' + 'x' * 300 + '/a', 'http://127.0.0.1:99999/a',
   'http://127.0.0.1:port/a'],
)  # fmt: skip
def test_odd_addresses_are_one_sentence(tmp_path, url):
  download = downloads.Download('a', (url,))
  with pytest.raises(UserError, match='Could not download a') as error:
    fetch(download, tmp_path)
  assert '\n' not in str(error.value)
  assert made.folder_bytes(tmp_path) == {}


@pytest.mark.parametrize('name', ['a', 'a.part'])
@pytest.mark.parametrize('kind', ['pipe', 'folder', 'device'])
def test_place_of_a_download_that_is_no_file(server, tmp_path, name, kind):
  path = tmp_path / name
  {
    'pipe': lambda: os.mkfifo(path),
    'folder': path.mkdir,
    'device': lambda: path.symlink_to('/dev/full'),
  }[kind]()
  with pytest.raises((UserError, OSError)) as error:
    fetch(server.download('a', DATA), tmp_path)
  assert 'a' in str(error.value)
  assert not path.is_file()


@pytest.mark.parametrize('length', ['²', '-5', 'x', ''])
def test_odd_length_of_an_answer(server, tmp_path, length):
  url = server.put('a.gz', DATA, with_length=False, length=length)
  fetch(downloads.Download('a.gz', (url,)), tmp_path)
  assert made.folder_bytes(tmp_path) == {'a.gz': DATA}


@pytest.mark.parametrize('url', ['http://x/', 'http://x/..', 'http://x/.a'])
def test_addresses_without_a_file_name(tmp_path, url):
  with pytest.raises(UserError, match='name of a file|Could not download'):
    dataset_utils.download_url(url, str(tmp_path))


def test_folder_of_a_download_that_cannot_be_made(tmp_path):
  (tmp_path / 'file').write_bytes(b'')
  with pytest.raises(UserError, match='cannot be written'):
    dataset_utils.download_url('http://x/a', str(tmp_path / 'file/x'))

"""What the tests of both label_image programs share."""

import subprocess
import sys

import pytest

from tests.robustness import commands
from tests.scripts import label_graphs, label_images, label_programs


@pytest.fixture(scope='session')
def cpp_program():
  """The C++ program, built by its one command."""
  folder = str(label_programs.FOLDER)
  subprocess.run(['make', '-C', folder, f'PYTHON={sys.executable}'], check=True)
  return label_programs.CppProgram(label_programs.FOLDER / 'label_image')


@pytest.fixture(scope='session')
def python_program(tmp_path_factory):
  """scripts/label_image.py in forks of one process."""
  runner = commands.Runner(tmp_path_factory.mktemp('label_runner'))
  yield label_programs.PythonProgram(runner)
  runner.close()


@pytest.fixture(
  scope='session',
  params=['python', pytest.param('cpp', marks=pytest.mark.slow)],
)
def program(request):
  """Each of the two programs."""
  return request.getfixturevalue(f'{request.param}_program')


@pytest.fixture(scope='session')
def material(tmp_path_factory):
  """A folder with graphs and images, good and bad."""
  folder = tmp_path_factory.mktemp('material')
  label_graphs.write(folder)
  label_images.write(folder)
  return folder

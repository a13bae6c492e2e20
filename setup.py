"""Installs the library; everything it states stands in pyproject.toml."""

from setuptools import setup

setup()

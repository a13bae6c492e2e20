"""Labeling image files."""

"""Support for all other packages: errors, files, flags, progress, signals."""

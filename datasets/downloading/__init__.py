"""Download and archives."""

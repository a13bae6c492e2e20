"""Image files: headers, checks, re-encoding, folders."""

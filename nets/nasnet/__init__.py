"""NASNet-A and PNASNet-5."""

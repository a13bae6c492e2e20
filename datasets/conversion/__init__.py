"""The conversion engine: from images to TFRecord shards."""

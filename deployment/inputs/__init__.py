"""From TFRecords to prefetched batches."""

"""Finding, repairing, matching and restoring checkpoints; the train_dir."""

"""Find, repair, match and restore checkpoints; own what a train_dir holds."""

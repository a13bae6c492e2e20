"""Everything that runs a network: clones, input, training, evaluation."""

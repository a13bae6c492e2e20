"""Export for inference."""

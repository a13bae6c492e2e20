"""Networks: images in, logits and end points out."""

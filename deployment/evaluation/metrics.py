"""What an evaluation says of its predictions, computed in NumPy."""

import numpy as np

_RECALL_AT = 5


def ranks(logits, labels):
  """Returns how many classes score higher than the true one, int64 [batch].

  Args:
    logits: float [batch, classes].
    labels: int [batch].
  """
  true = np.take_along_axis(logits, labels[:, None], axis=1)
  return (logits > true).sum(axis=1)


def summarize(labels, predictions, rank, losses, num_classes: int) -> dict:
  """Returns the metrics of a whole evaluation.

  Args:
    labels: int [images], the true classes.
    predictions: int [images], the classes with the highest scores.
    rank: int [images], see `ranks`.
    losses: float [images], cross entropies.
    num_classes: how many classes there are.

  Returns:
    Accuracy, Recall_5 (the share of images whose class is among the five, or
    among all where there are fewer, with the highest scores), loss, images,
    per_class (precision, recall, f1, images: lists of num_classes) and
    confusion ([true][predicted] counts).
  """
  confusion = np.zeros((num_classes, num_classes), np.int64)
  np.add.at(confusion, (labels, predictions), 1)
  return {
    'Accuracy': float(np.mean(predictions == labels)),
    'Recall_5': float(np.mean(rank < min(_RECALL_AT, num_classes))),
    'loss': float(np.mean(losses)),
    'images': len(labels),
    'per_class': _per_class(confusion),
    'confusion': confusion.tolist(),
  }


def _per_class(confusion):
  """Returns precision, recall, F1 and images of each class; 0 for none."""
  hits = np.diag(confusion).astype(float)
  predicted, images = confusion.sum(axis=0), confusion.sum(axis=1)
  precision = hits / np.maximum(predicted, 1)
  recall = hits / np.maximum(images, 1)
  both = precision + recall
  f1 = 2 * precision * recall / np.where(both > 0, both, 1)
  return {
    'precision': precision.tolist(),
    'recall': recall.tolist(),
    'f1': f1.tolist(),
    'images': images.tolist(),
  }

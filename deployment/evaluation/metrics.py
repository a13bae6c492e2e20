"""The metrics of an evaluation, computed batch by batch in NumPy."""

from typing import Any

import numpy as np

_RECALL_AT = 5


class RunningMetrics:
  """Metrics of all predictions so far; its size does not grow with them.

  Args:
    num_classes: number of classes.
  """

  def __init__(self, num_classes: int):
    self._num_classes = num_classes
    self._confusion = np.zeros((num_classes, num_classes), np.int64)
    self._recalled = 0
    self._loss_sum = 0.0

  def add(
    self, labels: np.ndarray, logits: np.ndarray, losses: np.ndarray
  ) -> None:
    """Add a batch.

    Args:
      labels: int [batch], the true classes.
      logits: float [batch, classes].
      losses: float [batch], cross entropies.
    """
    np.add.at(self._confusion, (labels, logits.argmax(axis=1)), 1)
    cutoff = min(_RECALL_AT, self._num_classes)
    self._recalled += int(np.sum(ranks(logits, labels) < cutoff))
    self._loss_sum += float(np.sum(losses, dtype=np.float64))

  @property
  def images(self) -> int:
    """Number of images so far."""
    return int(self._confusion.sum())

  def result(self) -> dict[str, Any]:
    """Return the metrics of all batches; there must be at least one image.

    Returns:
      Accuracy, Recall_5 (the share of images whose class is among the five
      with the highest scores, or among all where there are fewer), loss,
      images, per_class (precision, recall, f1, images: lists of num_classes)
      and confusion ([true][predicted] counts).
    """
    return {
      'Accuracy': float(np.trace(self._confusion) / self.images),
      'Recall_5': self._recalled / self.images,
      'loss': self._loss_sum / self.images,
      'images': self.images,
      'per_class': _per_class(self._confusion),
      'confusion': self._confusion.tolist(),
    }


def ranks(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
  """Return how many classes score higher than the true one, int64 [batch].

  Args:
    logits: float [batch, classes].
    labels: int [batch].
  """
  true_scores = np.take_along_axis(logits, labels[:, None], axis=1)
  return (logits > true_scores).sum(axis=1)


def probabilities(logits: np.ndarray) -> np.ndarray:
  """Return the softmax of float [batch, classes], row by row."""
  exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
  return exponentials / exponentials.sum(axis=1, keepdims=True)


def _per_class(confusion):
  """Return precision, recall, F1 and images of each class.

  A class that was never predicted has precision 0; one without images has
  recall 0.
  """
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

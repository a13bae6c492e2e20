"""The wrong predictions that a network was most confident of."""

from typing import Any

import numpy as np

_MOST_KEPT = 20


class ConfidentMistakes:
  """The wrong predictions with the highest probability so far."""

  def __init__(self):
    self._index = np.empty(0, np.int64)
    self._label = np.empty(0, np.int64)
    self._prediction = np.empty(0, np.int64)
    self._probability = np.empty(0, np.float32)

  def add(
    self, indices: np.ndarray, labels: np.ndarray, probabilities: np.ndarray
  ) -> None:
    """Add the predictions of a batch.

    Args:
      indices: int [batch], numbers of the images in the split.
      labels: int [batch], the true classes.
      probabilities: float [batch, classes].
    """
    predictions = probabilities.argmax(axis=1)
    confidences = probabilities.max(axis=1)
    wrong = predictions != labels
    index = np.concatenate([self._index, indices[wrong]])
    label = np.concatenate([self._label, labels[wrong]])
    prediction = np.concatenate([self._prediction, predictions[wrong]])
    probability = np.concatenate([self._probability, confidences[wrong]])
    kept = np.argsort(-probability, kind='stable')[:_MOST_KEPT]
    self._index, self._label = index[kept], label[kept]
    self._prediction, self._probability = prediction[kept], probability[kept]

  def result(self, classes: list[str]) -> list[dict[str, Any]]:
    """Return the mistakes, the most confident first.

    Args:
      classes: name of each class.

    Returns:
      A dict of 'index', 'label', 'prediction' (names) and 'probability' for
      each.
    """
    return [
      {
        'index': int(index),
        'label': classes[label],
        'prediction': classes[prediction],
        'probability': float(probability),
      }
      for index, label, prediction, probability in zip(
        self._index,
        self._label,
        self._prediction,
        self._probability,
        strict=True,
      )
    ]

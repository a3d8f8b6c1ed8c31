"""Trains the classifier.

python -m examples.digits.train
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from examples.digits.model import MODEL_PATH

if TYPE_CHECKING:
    from pathlib import Path

SEED = 0


def train(path: Path = MODEL_PATH, *, trees: int = 100) -> float:
    """Train on three quarters of the digits, save the model, return its accuracy on the rest."""
    pixels, labels = load_digits(return_X_y=True)
    seen, unseen, seen_labels, unseen_labels = train_test_split(
        pixels, labels, test_size=0.25, random_state=SEED, stratify=labels
    )
    classifier = RandomForestClassifier(n_estimators=trees, random_state=SEED)
    classifier.fit(seen, seen_labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(classifier, path)
    return float(classifier.score(unseen, unseen_labels))


def main() -> None:
    """Train, and say how good the model is."""
    print(f"accuracy {train():.3f}, saved to {MODEL_PATH}")


if __name__ == "__main__":
    main()

"""Writes tests/data/metrics.json: predictions and what scikit-learn says of them, for tests/metrics.rs.

    pip install scikit-learn && python tools/record_metrics.py
"""

import json
import pathlib
import warnings

import numpy
from sklearn import metrics

AVERAGES = ["macro", "micro", "weighted"]


def classification(name, truth, predicted, classes):
    labels = list(range(classes))
    truth, predicted = [int(x) for x in truth], [int(x) for x in predicted]
    confusion = metrics.confusion_matrix(truth, predicted, labels=labels)

    def scores(average):
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(
            truth, predicted, labels=labels, average=average, zero_division=0)
        return {"precision": precision, "recall": recall, "f1": f1}

    # Specificity is the recall of "not this class".
    def specificity(label):
        others = [x != label for x in truth]
        return metrics.recall_score(others, [x != label for x in predicted], zero_division=0)

    per_class = scores(None)
    return {
        "name": name,
        "classes": classes,
        "truth": truth,
        "predicted": predicted,
        "confusion": confusion.ravel().tolist(),
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "matthews": metrics.matthews_corrcoef(truth, predicted),
        "per_class": {key: value.tolist() for key, value in per_class.items()},
        "specificity": [specificity(label) for label in labels],
        **{average: scores(average) for average in AVERAGES},
    }


def main():
    draws = numpy.random.default_rng(7)
    truth = draws.integers(0, 5, 200)
    predicted = numpy.where(draws.random(200) < 0.6, truth, draws.integers(0, 5, 200))
    scores = draws.normal(size=(60, 6)).astype("f4")
    labels = draws.integers(0, 6, 60)
    values = draws.normal(size=50)
    guesses = values + 0.3 * draws.normal(size=50)
    record = {
        "classification": [
            classification("five classes", truth, predicted, 5),
            classification("two classes, rare positives", draws.random(100) < 0.1, draws.random(100) < 0.2, 2),
            classification("a class that is never predicted", [0, 1, 2, 2, 1, 0], [0, 1, 1, 0, 1, 0], 3),
            classification("a class without samples", [0, 1, 1, 0], [0, 2, 1, 2], 3),
            classification("all taken for one", [0, 1, 2, 1], [1, 1, 1, 1], 3),
            classification("perfect", [0, 1, 2, 2], [0, 1, 2, 2], 3),
            classification("one class", [0, 0], [0, 0], 1),
        ],
        "top_k": {
            "classes": 6,
            "scores": [float(x) for x in scores.ravel()],
            "labels": labels.tolist(),
            "accuracy": [metrics.top_k_accuracy_score(labels, scores, k=k, labels=range(6)) for k in range(1, 7)],
        },
        "regression": [
            {
                "truth": list(map(float, t)),
                "predicted": list(map(float, p)),
                "mean_absolute_error": metrics.mean_absolute_error(t, p),
                "mean_squared_error": metrics.mean_squared_error(t, p),
                "r2": metrics.r2_score(t, p),
            }
            for t, p in [(values, guesses), (values, -values), ([2, 2, 2], [2, 2, 2]), ([2, 2, 2], [2, 2, 3])]
        ],
    }
    path = pathlib.Path(__file__).parent.parent / "tests" / "data" / "metrics.json"
    path.write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()

#!/usr/bin/env python3
"""Makes metrics.json: metrics of scikit-learn and SciPy for MetricTests.

Needs scikit-learn and scipy. Each case has `kind`:

  labels   `actual` and `predicted` label ids, `labels` the number of labels; expected accuracy, f1 (of label 1, null
           unless there are two labels), macro_f1, matthews
  numbers  `actual` and `predicted` numbers; expected pearson and spearman, null where SciPy has NaN

  sets     `sets` of labels and `logits` for each example; expected accuracy, micro_f1, macro_f1, sample_f1 at a threshold of 0.5

Run again only to add cases; the output is committed.
"""

import json
import math
import random
import warnings
from pathlib import Path

from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

warnings.filterwarnings("ignore")
random.seed(5)


def labels(name, count, actual, predicted):
    expected = {
        "accuracy": accuracy_score(actual, predicted),
        "f1": f1_score(actual, predicted) if count == 2 else None,
        "macro_f1": f1_score(actual, predicted, average="macro"),
        "matthews": matthews_corrcoef(actual, predicted),
    }
    return {"name": name, "kind": "labels", "labels": count, "actual": actual, "predicted": predicted,
            "expected": expected}


def numbers(name, actual, predicted):
    def finite(value):
        return None if math.isnan(value) else value

    expected = {"pearson": finite(float(pearsonr(actual, predicted)[0])),
                "spearman": finite(float(spearmanr(actual, predicted)[0]))}
    return {"name": name, "kind": "numbers", "actual": actual, "predicted": predicted, "expected": expected}


def sets(name, labels, size, skill):
    """Examples with any number of labels, and logits that are right with some probability."""
    actual = [[int(random.random() < 0.4) for _ in range(labels)] for _ in range(size)]
    logits = [[round(random.gauss(1 if has == (random.random() < skill) else -1, 1), 3) for has in row] for row in actual]
    given = [[int(x >= 0) for x in row] for row in logits]
    losses = [math.log1p(math.exp(-x if has else x)) for row, xs in zip(actual, logits) for has, x in zip(row, xs)]
    expected = {"accuracy": accuracy_score(actual, given), "loss": sum(losses) / len(losses)}
    expected |= {f"{kind}_f1": f1_score(actual, given, average=average, zero_division=0)
                 for kind, average in (("micro", "micro"), ("macro", "macro"), ("sample", "samples"))}
    return {"name": name, "kind": "sets", "sets": [[i for i, has in enumerate(row) if has] for row in actual], "logits": logits,
            "labels": labels, "expected": expected}


def drawn(count, size, skill, weights=None):
    """Labels, and predictions that are right with probability `skill` and drawn as well otherwise."""
    actual = random.choices(range(count), weights, k=size)
    predicted = [label if random.random() < skill else random.choices(range(count), weights)[0] for label in actual]
    return actual, predicted


def noisy(size, step, noise):
    """Scores from 0 to 5 in steps, and predictions with noise; both are numbers that fp32 has exactly."""
    actual = [round(random.uniform(0, 5) / step) * step for _ in range(size)]
    return actual, [round((x + random.gauss(0, noise)) * 1024) / 1024 for x in actual]


cases = [
    labels("two labels", 2, *drawn(2, 200, 0.6)),
    labels("two labels, 9 to 1", 2, *drawn(2, 300, 0.5, [9, 1])),
    labels("worse than chance", 2, [0, 1, 0, 1, 1, 0], [1, 0, 1, 0, 1, 1]),
    labels("all right", 2, [0, 1, 1, 0], [0, 1, 1, 0]),
    labels("all wrong", 2, [0, 1, 1, 0], [1, 0, 0, 1]),
    labels("one label predicted", 2, [0, 1, 1, 0, 1], [1, 1, 1, 1, 1]),
    labels("label 1 neither there nor predicted", 2, [0, 0, 0], [0, 0, 0]),
    labels("label 1 never right", 2, [0, 1, 0, 1], [0, 0, 1, 0]),
    labels("three labels", 3, *drawn(3, 250, 0.7)),
    labels("six labels, unequal", 6, *drawn(6, 400, 0.4, [30, 20, 10, 5, 2, 1])),
    labels("a label predicted that no example has", 4, [0, 1, 2, 0, 1, 2], [0, 1, 3, 0, 2, 2]),
    labels("a label that does not occur", 4, [0, 1, 0, 3], [0, 1, 1, 3]),
    numbers("scores in quarters", *noisy(200, 0.25, 0.8)),
    numbers("few different scores", *noisy(150, 1.0, 2.0)),
    numbers("ties on both sides", [1, 2, 2, 3, 3, 3, 4], [2, 2, 1, 3, 1, 4, 4]),
    numbers("falling", [1, 2, 3, 4.5], [8, 7.5, 2, -1]),
    numbers("monotonic", [1, 2, 3, 4, 5], [1, 4, 9, 16, 25]),
    numbers("constant predictions", [1, 2, 3], [2, 2, 2]),
    numbers("constant scores", [4, 4, 4], [1, 2, 3]),
    sets("sets of five labels", 5, 120, 0.8),
    sets("sets of two labels, few examples", 2, 6, 0.5),
]
Path(__file__).with_name("metrics.json").write_text(
    "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")

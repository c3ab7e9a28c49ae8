#!/usr/bin/env python3
"""Makes entities.json: precision, recall and F1 of entities by seqeval's default mode, for EntityTests.

Needs seqeval. Half of the cases are of correct IOB2 labels, the others of labels that follow one another at random.
Run again only to add cases; the output is committed.
"""

import json
import random
import warnings
from pathlib import Path

from seqeval.metrics import f1_score, precision_score, recall_score

warnings.filterwarnings("ignore")
random.seed(7)


def iob2(words):
    labels = []
    while len(labels) < words:
        kind = random.choice(["PER", "LOC", "O-RG"])
        labels += ["O"] * random.randint(0, 2) + ["B-" + kind] + ["I-" + kind] * random.randint(0, 2)
    return labels[:words]


def disturbed(labels, share, choices):
    return [random.choice(choices) if random.random() < share else label for label in labels]


def case(name, choices, share, regular):
    lengths = [random.randint(1, 9) for _ in range(6)]
    actual = [iob2(n) if regular else random.choices(choices, k=n) for n in lengths]
    predicted = [disturbed(labels, share, choices) for labels in actual]
    return {"name": name, "actual": actual, "predicted": predicted,
            "precision": float(precision_score(actual, predicted, zero_division=0)),
            "recall": float(recall_score(actual, predicted, zero_division=0)),
            "f1": float(f1_score(actual, predicted, zero_division=0))}


tags = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-O-RG", "I-O-RG"]
cases = [case(f"IOB2 {i}", tags, 0.2, True) for i in range(10)]
cases += [case(f"at random {i}", tags, 0.4, False) for i in range(8)]
wide = tags + ["E-PER", "S-PER", "E-LOC", "S-LOC"]
cases += [case(f"IOBES at random {i}", wide, 0.4, False) for i in range(4)]
cases += [case("no types", ["O", "B", "I"], 0.3, False)]
cases += [{"name": "no entities", "actual": [["O", "O"]], "predicted": [["O", "O"]],
           "precision": 0.0, "recall": 0.0, "f1": 0.0}]
Path(__file__).with_name("entities.json").write_text(
    "[\n" + ",\n".join(json.dumps(item) for item in cases) + "\n]\n")

#!/usr/bin/env python3
"""Makes the small data set, vocabulary and model that ship with bertc, beside this script.

The sentences are opinions about books, meals, trips and the like, put together from templates; the label says
whether the opinion is good or bad. Two things keep a bag of words from being enough: negation turns an opinion
round ("was not dull"), and in a contrast only the second half counts ("was dull, but the staff was kind"). Parts of
the vocabulary are left out on purpose, so that some words are split into word pieces.

The output depends on nothing but this file. No sentence stands in two parts.
"""

import collections
import json
import random
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
SIZES = {"train": 1500, "valid": 200, "test": 200}
TRIPLETS = {"train": 1500, "valid": 200, "test": 200}

THINGS = {
    "book": ["plot", "first chapter", "ending", "prose", "translation", "cover", "narrator"],
    "meal": ["soup", "bread", "service", "dessert", "wine", "waiter", "sauce"],
    "trip": ["hotel", "train", "guide", "weather", "view", "map", "breakfast"],
    "concert": ["singer", "sound", "hall", "drummer", "programme", "encore", "lighting"],
    "course": ["teacher", "exercise", "textbook", "schedule", "classroom", "exam", "discussion"],
    "phone": ["screen", "battery", "camera", "keyboard", "speaker", "case", "manual"],
}
GOOD = ["good", "great", "lovely", "excellent", "delightful", "charming", "kind", "superb", "clever", "warm",
        "pleasant", "brilliant", "reliable", "generous", "refreshing", "memorable", "elegant", "thoughtful"]
BAD = ["bad", "awful", "dull", "terrible", "boring", "clumsy", "rude", "dreadful", "careless", "cold",
       "unpleasant", "tedious", "broken", "greedy", "disappointing", "forgettable", "ugly", "thoughtless"]
LOVED = ["loved", "enjoyed", "admired", "recommend", "praised", "cherished"]
HATED = ["hated", "disliked", "regretted", "avoided", "despised", "resented"]
VERY = ["", "", "very ", "really ", "quite ", "rather ", "surprisingly ", "undeniably "]
PEOPLE = ["i", "we", "my sister", "my friends", "the whole family", "our neighbours", "the critics"]
OPENERS = ["", "", "", "honestly, ", "in the end ", "this time ", "after a week ", "to my surprise ", "as always, "]


def opinion(rng, thing, positive, part=None):
    """A clause about a part of the thing that is positive or negative, with or without a negation."""
    part = part or rng.choice(THINGS[thing])
    form = rng.random()
    if form < 0.45:
        return f"the {part} was {rng.choice(VERY)}{rng.choice(GOOD if positive else BAD)}"
    if form < 0.65:
        return f"the {part} was {rng.choice(['not', 'never', 'hardly'])} {rng.choice(BAD if positive else GOOD)}"
    if form < 0.85:
        return f"{rng.choice(PEOPLE)} {rng.choice(LOVED if positive else HATED)} the {part}"
    verb = rng.choice(["found", "thought", "called"])
    return f"{rng.choice(PEOPLE)} {verb} the {part} {rng.choice(VERY)}{rng.choice(GOOD if positive else BAD)}"


def sentence(rng, positive):
    """One example of the given label."""
    thing = rng.choice(sorted(THINGS))
    form = rng.random()
    if form < 0.45:
        text = opinion(rng, thing, positive)
    elif form < 0.70:
        text = f"{opinion(rng, thing, not positive)}, but {opinion(rng, thing, positive)}"
    elif form < 0.90:
        text = f"{opinion(rng, thing, positive)} and {opinion(rng, thing, positive)}"
    else:
        text = f"the {thing} began badly: " if not positive else f"the {thing} began well: "
        text += opinion(rng, thing, positive)
    text = rng.choice(OPENERS) + text + rng.choice([".", ".", ".", "!", " ..."])
    return text[0].upper() + text[1:]


def finished(rng, text):
    """A clause as a sentence."""
    text = rng.choice(OPENERS) + text + rng.choice([".", ".", ".", "!", " ..."])
    return text[0].upper() + text[1:]


def triplets(rng, count):
    """Opinions about a part of a thing: two that agree, and one that does not."""
    found = {}
    while len(found) < count:
        positive = rng.random() < 0.5
        thing = rng.choice(sorted(THINGS))
        part = rng.choice(THINGS[thing])
        texts = [finished(rng, opinion(rng, thing, side, part)) for side in (positive, positive, not positive)]
        if len(set(texts)) == 3:
            found.setdefault(texts[0], texts)
    return list(found.values())


def examples(rng, count):
    """That many different sentences with their labels, half of each label."""
    found = {}
    while len(found) < count:
        positive = len(found) % 2 == 0
        found.setdefault(sentence(rng, positive), "positive" if positive else "negative")
    pairs = list(found.items())
    rng.shuffle(pairs)
    return pairs


def vocabulary(texts):
    """WordPiece: special tokens, characters, continuing characters, common endings, and words seen 60 times."""
    counts = collections.Counter(word for text in texts for word in re.findall(r"[a-z]+", text.lower()))
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + list(letters) + [f"##{letter}" for letter in letters]
    pieces += [f"##{ending}" for ending in ("ed", "er", "es", "ing", "ful", "less", "ly", "able", "ment", "ion")]
    pieces += sorted(word for word, count in counts.items() if count >= 60 and len(word) > 1)
    return pieces


def write(name, text):
    """Writes a UTF-8 file beside this script."""
    (HERE / name).write_text(text, encoding="utf-8", newline="\n")


def main():
    """Writes the three parts, vocab.txt and model.json, and the triplets."""
    rng = random.Random(20240229)
    pairs = examples(rng, sum(SIZES.values()))
    start = 0
    for part, size in SIZES.items():
        rows = pairs[start:start + size]
        write(f"{part}.txt", "".join(f"{text}\n" for text, _ in rows))
        write(f"{part}_labels.txt", "".join(f"{label}\n" for _, label in rows))
        start += size
    pieces = vocabulary(text for text, _ in pairs[:SIZES["train"]])
    write("vocab.txt", "".join(f"{piece}\n" for piece in pieces))
    model = {
        "vocab_size": len(pieces), "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 128, "max_position_embeddings": 64, "type_vocab_size": 2, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "norm_position": "pre",
        "id2label": {"0": "negative", "1": "positive"},
    }
    write("model.json", json.dumps(model, indent=2) + "\n")
    rng = random.Random(20261130)
    rows = triplets(rng, sum(TRIPLETS.values()))
    start = 0
    for part, size in TRIPLETS.items():
        lines = ["\t".join(texts) for texts in [["anchor", "positive", "negative"]] + rows[start:start + size]]
        write(f"{part}_triplets.tsv", "".join(f"{line}\n" for line in lines))
        start += size


if __name__ == "__main__":
    main()

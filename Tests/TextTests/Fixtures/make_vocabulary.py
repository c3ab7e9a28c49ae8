#!/usr/bin/env python3
"""Makes vocabulary.json: what Hugging Face's BertWordPieceTokenizer trains on the words of this script.

Needs tokenizers. Pairs of pieces that occur equally often are merged there in the order of a hash table, which differs
from run to run: `tokens` are those that all of many runs have, `count` is how many a run has.
"""

import json
from pathlib import Path

from tokenizers import BertWordPieceTokenizer

HERE = Path(__file__).resolve().parent
WORDS = ["unhappiness", "happiest", "happy", "walked", "walking", "walker", "talking", "talks", "Straße", "naïve",
         "reading", "reader", "rereading", "banana", "bandana", "aaaa", "aaa", "low", "lower", "lowest", "newest",
         "widest", "Café", "tokenization", "organization", "don't", "3.75", "東京"]
SIZE = 130
RUNS = 40


def main():
    counts = {word: 3 + index * index for index, word in enumerate(WORDS)}
    lines = [" ".join([word] * count) for word, count in counts.items()]
    runs = []
    for _ in range(RUNS):
        tokenizer = BertWordPieceTokenizer(lowercase=True)
        tokenizer.train_from_iterator(lines, vocab_size=SIZE, min_frequency=2, limit_alphabet=1000, show_progress=False,
                                      special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        runs.append(set(tokenizer.get_vocab()))
    assert len(set(map(len, runs))) == 1
    (HERE / "vocabulary.json").write_text(json.dumps({
        "words": counts, "size": SIZE, "count": len(runs[0]), "tokens": sorted(set.intersection(*runs))},
        ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

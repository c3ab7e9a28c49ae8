#!/usr/bin/env python3
"""Makes unigram.json: what Hugging Face's UnigramTrainer trains on the words of this script.

Needs tokenizers. Characters of the same score stand there in the order of a hash table, and words are summed up in such
an order: the file has the tokens by text, and their scores are to be compared with a tolerance.
"""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from make_vocabulary import WORDS

HERE = Path(__file__).resolve().parent
SIZE = 70
RUNS = 10
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def train(lines):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(lines, trainers.UnigramTrainer(
        vocab_size=SIZE, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False))
    return dict(json.loads(tokenizer.to_str())["model"]["vocab"])


def main():
    counts = {word: 3 + index * index for index, word in enumerate(WORDS)}
    counts.update({word + ending: 5 for word in ("walk", "talk", "read", "happi") for ending in ("s", "ed", "ings", "ness")})
    lines = [" ".join([word] * count) for word, count in counts.items()]
    runs = [train(lines) for _ in range(RUNS)]
    assert all(run.keys() == runs[0].keys() for run in runs)
    assert all(abs(run[token] - score) < 1e-3 for run in runs for token, score in runs[0].items())
    (HERE / "unigram.json").write_text(json.dumps({
        "words": counts, "size": SIZE, "scores": dict(sorted(runs[0].items()))}, ensure_ascii=False, indent=1) + "\n",
        encoding="utf-8")


if __name__ == "__main__":
    main()

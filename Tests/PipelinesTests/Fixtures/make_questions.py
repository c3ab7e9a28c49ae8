#!/usr/bin/env python3
"""Makes the fixtures of question answering with Hugging Face Transformers and tokenizers.

Needs torch, transformers, tokenizers, numpy and, for the measures of SQuAD 1.1, torchmetrics. Writes `questions/`: a tiny
BertForQuestionAnswering with its vocabulary, and `expected.json` with, of Examples/questions/questions.json,

  windows     the ids of each window of a context, its question and the tokens of its answer, as tokenizers' overflowing
              tokens and the script run_qa.py of Transformers make them (an answer that is a window's last token ends with
              it, where the script goes on to the padding)
  answers     the best answers with and without the choice of none: text, start, and share of the probability
  metrics     of the answers, by the definitions of SQuAD's scripts

and `metrics` of hand-made answers, `squad1` by torchmetrics, `squad2` by the definitions of the script of SQuAD 2.0.
"""

import collections
import json
import re
import string
import unicodedata
from pathlib import Path

import numpy as np
import torch
import transformers as hf
from torchmetrics.functional.text import squad

HERE = Path(__file__).resolve().parent
QUESTIONS = HERE.parents[2] / "Examples/questions/questions.json"
LENGTH, STRIDE, BEST, LONGEST, THRESHOLD = 32, 8, 20, 12, -2.0


def plain(text):
    kept = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def score(answer, right):
    """Exact match and F1 as the script of SQuAD 2.0 has them."""
    right = [text for text in right if plain(text)] or [""]
    exact = max(int(plain(answer) == plain(text)) for text in right)

    def f1(text):
        a, b = plain(text).split(), plain(answer).split()
        if not a or not b:
            return float(a == b)
        common = sum((collections.Counter(a) & collections.Counter(b)).values())
        return 0.0 if common == 0 else 2 * common / (len(a) + len(b))

    return exact, max(map(f1, right))


def shares(pairs, kind):
    """Means over questions: of all, of those with an answer, and of those without."""
    if kind == "squad1":
        result = squad([{"prediction_text": answer, "id": str(i)} for i, (answer, _) in enumerate(pairs)],
                       [{"answers": {"text": right, "answer_start": [0] * len(right)}, "id": str(i)}
                        for i, (_, right) in enumerate(pairs)])
        return {"exact_match": float(result["exact_match"]) / 100, "f1": float(result["f1"]) / 100}
    scores = [(score(answer, right), bool(right)) for answer, right in pairs]

    def mean(index, wanted):
        return float(np.mean([s[index] for s, has in scores if has in wanted]))

    return {"exact_match": mean(0, (True, False)), "f1": mean(1, (True, False)), "has_answer_exact_match": mean(0, (True,)),
            "has_answer_f1": mean(1, (True,)), "no_answer_exact_match": mean(0, (False,))}


def examples():
    for article in json.loads(QUESTIONS.read_text())["data"]:
        for paragraph in article["paragraphs"]:
            for item in paragraph["qas"]:
                yield item | {"context": paragraph["context"]}


def windows(tokenizer, items):
    made = []
    for item in items:
        encoded = tokenizer(item["question"].lstrip(), item["context"], truncation="only_second", max_length=LENGTH,
                            stride=STRIDE, return_overflowing_tokens=True, return_offsets_mapping=True)
        for index, ids in enumerate(encoded["input_ids"]):
            sides = encoded.sequence_ids(index)
            context = [place for place, side in enumerate(sides) if side == 1]
            offsets = encoded["offset_mapping"][index]
            start = end = 0
            if item["answers"]:
                first = item["answers"][0]["answer_start"]
                last = first + len(item["answers"][0]["text"])
                if offsets[context[0]][0] <= first and offsets[context[-1]][1] >= last:
                    start = max(place for place in context if offsets[place][0] <= first)
                    end = min(place for place in context if offsets[place][1] >= last)
            made.append({"question": item["id"], "ids": ids, "types": encoded["token_type_ids"][index], "start": start, "end": end,
                         "offsets": [list(offset) if side == 1 else None for offset, side in zip(offsets, sides)]})
    return made


def answers(item, own, logits, none):
    """What postprocess_qa_predictions of Transformers' examples does."""
    found, null = [], None
    for window, (starts, ends) in zip(own, logits):
        if null is None or starts[0] + ends[0] < null["score"]:
            null = {"offsets": (0, 0), "score": starts[0] + ends[0]}
        for start in np.argsort(starts)[-1:-BEST - 1:-1]:
            for end in np.argsort(ends)[-1:-BEST - 1:-1]:
                places = window["offsets"]
                if places[start] and places[end] and start <= end < start + LONGEST:
                    found.append({"offsets": (places[start][0], places[end][1]), "score": starts[start] + ends[end]})
    if none:
        found.append(null)
    best = sorted(found, key=lambda answer: -answer["score"])[:BEST]
    if none and not any(answer["offsets"] == (0, 0) for answer in best):
        best.append(null)
    scores = np.exp(np.asarray([answer["score"] for answer in best]) - max(answer["score"] for answer in best))
    for answer, share in zip(best, scores / scores.sum()):
        answer["share"] = float(share)
    chosen = next(answer for answer in best if answer["offsets"] != (0, 0))
    if none and null["score"] - chosen["score"] > THRESHOLD:
        chosen = next(answer for answer in best if answer["offsets"] == (0, 0))
    order = [chosen] + [answer for answer in best if answer is not chosen]
    return [{"text": item["context"][slice(*answer["offsets"])], "start": int(answer["offsets"][0]), "score": answer["share"]}
            for answer in order[:6]]


def main():
    target = HERE / "questions"
    target.mkdir(exist_ok=True)
    items = list(examples())
    words = sorted({word for item in items for text in (item["context"], item["question"])
                    for word in re.findall(r"\w+|[^\w\s]", plain_case(text))})
    letters = sorted({letter for word in words for letter in word})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters + ["##" + letter for letter in letters]
    pieces += [word for index, word in enumerate(words) if len(word) > 1 and index % 4]
    (target / "vocab.txt").write_text("\n".join(pieces) + "\n")
    tokenizer = hf.BertTokenizer(str(target / "vocab.txt"))
    settings = hf.BertConfig(vocab_size=len(pieces), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
                             max_position_embeddings=64)
    torch.manual_seed(3)
    model = hf.BertForQuestionAnswering(settings).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "LayerNorm.weight" in name else 0.0, 0.5)
    model.save_pretrained(target)
    made = windows(tokenizer, items)
    expected = {"windows": [{key: window[key] for key in ("question", "ids", "start", "end")} for window in made]}
    for kind in ("answers", "answers_or_none"):
        expected[kind] = {}
        for item in items:
            own = [window for window in made if window["question"] == item["id"]]
            logits = []
            for window in own:
                with torch.no_grad():
                    out = model(input_ids=torch.tensor([window["ids"]]), token_type_ids=torch.tensor([window["types"]]))
                logits.append((out.start_logits[0].numpy(), out.end_logits[0].numpy()))
            expected[kind][item["id"]] = answers(item, own, logits, kind == "answers_or_none")
    given = {key: best[0]["text"] for key, best in expected["answers_or_none"].items()}
    expected["metrics"] = shares([(given[item["id"]], [a["text"] for a in item["answers"]]) for item in items], "squad2")
    cases = [
        ("The Eiffel Tower", ["Eiffel tower"]), ("the tower, in Paris.", ["a tower in paris", "Paris"]), ("1889", ["in 1889", "1887"]),
        ("theatre of the arts", ["Theatre of Arts"]), ("twenty-one", ["twentyone", "21"]), ("U.S.", ["US", "the U.S.A."]),
        ("to be or not to be", ["to be, to be"]), ("Élan  vital", ["élan vital"]), ("", ["something"]), ("x", ["y z"]),
        ("a b c d", ["b", "c d e"]), ("\u00a0thin\u2009space", ["thin space"]), ("it's", ["its"]), ("ÇA", ["ça"]),
    ]
    expected["cases"] = [{"answer": answer, "right": right} for answer, right in cases]
    expected["squad1"] = shares(cases, "squad1")
    # Of nothing the two scripts, and torchmetrics, make different things.
    more = [("an", ["the"]), ("...", ["A!"]), ("", []), ("something", []), ("the", []), ("", ["the"])]
    expected["more_cases"] = [{"answer": answer, "right": right} for answer, right in more]
    expected["squad2"] = shares(cases + more, "squad2")
    (target / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")


def plain_case(text):
    """The text as BERT's lower-casing normaliser leaves it."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")


if __name__ == "__main__":
    main()

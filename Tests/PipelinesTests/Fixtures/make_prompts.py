#!/usr/bin/env python3
"""Makes the fixtures of fill-mask prediction and of zero-shot classification with Hugging Face's pipelines.

Needs torch and transformers. Writes `fill-mask/` and `zero-shot/`: tiny models with random weights and the vocabulary of
`questions/`, and `expected.json` with what the pipelines `fill-mask` and `zero-shot-classification` say. Run make_questions.py before.
"""

import json
import shutil
from pathlib import Path

import torch
import transformers as hf

HERE = Path(__file__).resolve().parent
TEXTS = ["The bridge was built in [MASK].", "[MASK] is planted with [MASK], and the honey is sold."]
CLAIMS = ["The bridge was built in 1742.", "Roses need much light, little shade and water in dry summers."]


def model(kind, name, **settings):
    target = HERE / name
    target.mkdir(exist_ok=True)
    shutil.copy(HERE / "questions/vocab.txt", target)
    tokenizer = hf.BertTokenizer(str(target / "vocab.txt"))
    config = hf.BertConfig(vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
                           max_position_embeddings=64, **settings)
    torch.manual_seed(5)
    made = getattr(hf, kind)(config).eval()
    with torch.no_grad():
        for key, parameter in made.named_parameters():
            parameter.normal_(1.0 if "LayerNorm.weight" in key else 0.0, 0.5)
    made.save_pretrained(target)
    return target, made, tokenizer


def main():
    target, made, tokenizer = model("BertForMaskedLM", "fill-mask")
    fill = hf.pipeline("fill-mask", model=made, tokenizer=tokenizer)
    expected = [{"text": text, "predictions": fill(text, top_k=3)} for text in TEXTS]
    (target / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
    names = ["contradiction", "neutral", "entailment"]
    target, made, tokenizer = model(
        "BertForSequenceClassification", "zero-shot", id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)})
    judge = hf.pipeline("zero-shot-classification", model=made, tokenizer=tokenizer)
    cases = [({}, "bridges, roses, honey"), ({"multi_label": True}, "bridges, roses, honey"), ({}, "roses"),
             ({"hypothesis_template": "It is of {} alone."}, "light, shade")]
    expected = [{"options": options, "candidate_labels": labels, "results": judge(CLAIMS, labels, **options)} for options, labels in cases]
    (target / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()

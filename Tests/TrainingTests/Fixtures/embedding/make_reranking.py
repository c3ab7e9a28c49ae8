#!/usr/bin/env python3
"""Makes reranking.json, the fixture of RerankingTests, with sentence-transformers' CrossEncoder.

usage: make_reranking.py      Run make.py first. Needs: pip install sentence-transformers

Writes beside this script:

  cross/            the encoder of model/ with a pooler and a classifier of one label
  lists.jsonl       32 queries with 2 to 5 documents and labels
  reranking.json    for each loss its fields of train.json and the losses of 50 steps

Steps, batches and the optimiser are those of make.py, on data.jsonl or lists.jsonl, in double precision.
"""

import json
import random

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import losses

from make import BATCH, HERE, RATE, STEPS, WARMUP, WORDS, write


def make_model():
    folder = HERE / "cross"
    folder.mkdir(exist_ok=True)
    weights = {f"bert.{name}": value for name, value in load_file(HERE / "model/model.safetensors").items()}
    weights["bert.pooler.dense.weight"] = torch.randn(16, 16) * 0.3
    weights["bert.pooler.dense.bias"] = torch.randn(16) * 0.1
    weights["classifier.weight"] = torch.randn(1, 16) * 0.3
    weights["classifier.bias"] = torch.randn(1) * 0.1
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((HERE / "model/config.json").read_text())
    write(folder / "config.json", {
        **config, "architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0}})
    for name in ("vocab.txt", "tokenizer_config.json"):
        (folder / name).write_text((HERE / "model" / name).read_text())


def make_lists(rng):
    def text():
        return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(3, 8)))
    rows = []
    for _ in range(32):
        count = rng.randrange(2, 6)
        rows.append({"query": text(), "docs": [text() for _ in range(count)],
                     "labels": [rng.randrange(3) for _ in range(count)]})
    (HERE / "lists.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def curve(rows, columns, numbers, make_loss):
    model = CrossEncoder(str(HERE / "cross"), device="cpu").double()
    model.train()
    loss_of = make_loss(model)
    named = list(model.named_parameters())
    plain = [p for n, p in named if n.endswith("bias") or "LayerNorm" in n]
    decayed = [p for n, p in named if not (n.endswith("bias") or "LayerNorm" in n)]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}],
                                  lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    values = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (step + 1) / WARMUP if step < WARMUP else RATE * (STEPS - step) / (STEPS - WARMUP)
        batch = [rows[(step * BATCH + i) % len(rows)] for i in range(BATCH)]
        if numbers == "labels":
            labels = [torch.tensor(row[numbers], dtype=torch.float64) for row in batch]
        else:
            labels = torch.tensor([row[numbers] for row in batch], dtype=torch.float64)
        loss = loss_of([[row[column] for row in batch] for column in columns], labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        values.append(float(f"{loss.item():.10g}"))
    return values


if __name__ == "__main__":
    torch.manual_seed(8)
    make_model()
    groups = [json.loads(line) for line in (HERE / "data.jsonl").read_text().splitlines()]
    lists = make_lists(random.Random(8))
    cases = [
        ("BinaryCrossEntropyLoss", "data.jsonl", groups, ["anchor", "positive"], "score", losses.BinaryCrossEntropyLoss),
        ("MarginMSELoss", "data.jsonl", groups, ["anchor", "positive", "negative_1"], "margin", losses.MarginMSELoss),
        ("MarginMSELoss", "data.jsonl", groups, ["anchor", "positive", "negative_1", "negative_2"], "scores",
         losses.MarginMSELoss),
        ("ListNetLoss", "lists.jsonl", lists, ["query", "docs"], "labels", losses.ListNetLoss),
    ]
    results = []
    for name, file, rows, columns, numbers, make_loss in cases:
        fields = {"loss": name, "trainFile": file, "textColumns": columns, "labelColumn": numbers}
        results.append({"fields": fields, "losses": curve(rows, columns, numbers, make_loss)})
        print(name, columns, results[-1]["losses"][0], results[-1]["losses"][-1])
    write(HERE / "reranking.json", results, indent=None)

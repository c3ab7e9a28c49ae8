#!/usr/bin/env python3
"""Makes the fixture of ChoiceTaskTests with Hugging Face Transformers.

usage: make.py            Needs: pip install torch transformers
       make.py --check DIR    prints how far a directory that bertc saved is from its probabilities (DIR/probabilities.json)

Writes beside this script:

  model/         a random tiny BertForMultipleChoice
  swag.csv       48 examples in the columns of SWAG, as run_swag.py reads them
  losses.json    the losses of 50 steps, and the logits of the first 4 examples before them

A step has 8 examples: step s has rows 8 s to 8 s + 7, counted round. Everything is computed in double precision, without
dropout; texts are encoded as run_swag.py does it: sent1 with "sent2 ending". The optimiser is HF's recipe: AdamW (0.9, 0.999,
eps 1e-8), decoupled decay 0.01 but none on biases and LayerNorm, gradients clipped to the global norm 1, and a learning rate
of 1e-3 (s + 1) / 5 for the 0-based step s < 5, then 1e-3 (50 - s) / 45.
"""

import csv
import json
import random
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForMultipleChoice, AutoTokenizer, BertConfig, BertForMultipleChoice

HERE = Path(__file__).resolve().parent
WORDS = ("the a old new red small large house river road tree stone bird horse child king queen sees finds loves leaves "
         "builds near under behind with without and never always quickly slowly").split()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS
STEPS, WARMUP, BATCH, RATE = 50, 5, 8, 1e-3


def make_model(folder):
    config = BertConfig(vocab_size=len(VOCABULARY), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=24, max_position_embeddings=40)
    weights = {name: torch.randn_like(tensor) * (0.1 if "LayerNorm" in name or "bias" in name else 0.3)
               + (1 if name.endswith("LayerNorm.weight") else 0)
               for name, tensor in BertForMultipleChoice(config).state_dict().items() if tensor.is_floating_point()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["BertForMultipleChoice"], "model_type": "bert", "vocab_size": len(VOCABULARY),
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
        "max_position_embeddings": 40, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}, indent=1) + "\n")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}) + "\n")


def make_data(path, rng):
    def text(least, most):
        return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(least, most)))
    rows = [{"video-id": f"v{i}", "sent1": text(3, 9), "sent2": text(1, 3), **{f"ending{n}": text(2, 7) for n in range(4)},
             "label": rng.randrange(4)} for i in range(48)]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def encode(tokenizer, rows):
    first = [row["sent1"] for row in rows for _ in range(4)]
    second = [f"{row['sent2']} {row[f'ending{n}']}" for row in rows for n in range(4)]
    encoded = tokenizer(first, second, padding=True, truncation=True, return_tensors="pt")
    return {name: value.view(len(rows), 4, -1) for name, value in encoded.items()}


def load(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return tokenizer, AutoModelForMultipleChoice.from_pretrained(folder).double()


def main():
    torch.manual_seed(9)
    make_model(HERE / "model")
    rows = make_data(HERE / "swag.csv", random.Random(9))
    tokenizer, model = load(HERE / "model")
    logits = model.eval()(**encode(tokenizer, rows[:4])).logits
    model.train()
    named = list(model.named_parameters())
    plain = [p for n, p in named if n.endswith("bias") or "LayerNorm" in n]
    decayed = [p for n, p in named if not (n.endswith("bias") or "LayerNorm" in n)]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}],
                                  lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (step + 1) / WARMUP if step < WARMUP else RATE * (STEPS - step) / (STEPS - WARMUP)
        batch = [rows[(step * BATCH + i) % len(rows)] for i in range(BATCH)]
        loss = model(**encode(tokenizer, batch), labels=torch.tensor([row["label"] for row in batch])).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(f"{loss.item():.10g}"))
    (HERE / "losses.json").write_text(
        json.dumps({"logits": [[float(f"{x:.10g}") for x in row] for row in logits.tolist()], "losses": losses}) + "\n")
    print(losses[0], losses[-1])


def check(folder):
    rows = list(csv.DictReader((HERE / "swag.csv").open()))
    tokenizer, model = load(folder)
    right = torch.tensor(json.loads((Path(folder) / "probabilities.json").read_text()))
    found = model.eval()(**encode(tokenizer, rows[:len(right)])).logits.softmax(-1)
    print("largest difference", float((found - right).abs().max()))


if __name__ == "__main__":
    check(sys.argv[2]) if sys.argv[1:2] == ["--check"] else main()

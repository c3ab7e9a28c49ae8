#!/usr/bin/env python3
"""Makes the parity fixtures of EncodersTests and TrainingTests with PyTorch and Hugging Face Transformers.

usage: make_parity.py [--data FOLDER]     (FOLDER is what data/fetch.py fills; default: the repository's data/)

Needs torch, transformers, safetensors and numpy. Writes, beside this script:

  minilm_embeddings.json         16 sentences
  minilm_embeddings.safetensors  their token ids, and MiniLM's vectors: `mean` is the mean of last_hidden_state over
                                 the sequence's tokens (not normalised), `cls` its first row; [16, 384] each
  tiny/config.json, tiny/model.safetensors
                                 a random BERT with a classification head and a masked-LM head in one file
  tiny_classifier.safetensors    logits, loss and the gradient of every parameter for one ragged batch; logits with
                                 the other activations
  tiny_curve.safetensors         50 AdamW steps of the classifier: batches and losses
  tiny_mlm.safetensors           the masked-LM head: logits, loss and gradients for one batch
  minilm_curve.safetensors       50 AdamW steps of MiniLM on the first 800 review sentences: batches and losses

Batches are packed: `ids` and `types` hold the sequences end to end, `lengths` says how long each is. `losses` are
PyTorch's in fp32, `losses_f64` the same run in double precision: their distance is what rounding alone does.
Dropout is 0 throughout. The optimiser is HF's recipe: AdamW (0.9, 0.999, eps 1e-8), decoupled decay 0.01 but none
on biases and LayerNorm, gradients clipped to the global norm 1, and a learning rate of lr * (s + 1) / 5 for the
0-based step s < 5, then lr * (50 - s) / 45.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import (AutoTokenizer, BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel)

HERE = Path(__file__).resolve().parent
STEPS, WARMUP = 50, 5

SENTENCES = [
    "A three-hour cinema master class.",
    "Hello",
    "The quick brown fox jumps over the lazy dog.",
    "It's not that the film is bad -- it's that it could have been so much better!",
    "Déjà vu: the naïve façade of Zoë's café.",
    "Prices rose 3.75% to $1,299.00 on 12/31/1999.",
    "東京 is the capital of Japan.",
    "antidisestablishmentarianism and floccinaucinihilipilification",
    "What is the capital of France?",
    "Paris is the capital of France.",
    "def f(x): return x ** 2 + 1",
    "I have never been so bored in my entire life, and I once watched paint dry for charity.",
    "e = mc^2; a_b-c/d@example.com #hash",
    "Two roads diverged in a wood, and I took the one less travelled by.",
    "?!",
    "Long ago, before the river was dammed and the mill closed, the people of the valley met each autumn to press "
    "apples, mend fences, argue about the price of wool, and decide together who would keep the accounts. Nobody "
    "enjoyed the accounts. The ledger was heavy, the ink froze, and every figure had to be read aloud twice. Yet "
    "whoever kept it learned what each house owed and was owed, who had been ill, whose roof leaked, and who had "
    "quietly paid for whom. In that way the ledger became the memory of the place, and when the valley was flooded "
    "it was the first thing that anyone thought to carry up the hill.",
]


def save(name, tensors, **notes):
    """Writes arrays as a safetensors file beside this script; notes go into its metadata."""
    arrays = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
    save_file(arrays, HERE / name, metadata={"format": "pt", **{k: str(v) for k, v in notes.items()}})
    print(f"{name}: {os.path.getsize(HERE / name)} bytes")


def pad(sequences, value):
    """Rows of different length as one padded int64 tensor [rows, longest]."""
    out = torch.full((len(sequences), max(map(len, sequences))), value, dtype=torch.long)
    for row, sequence in enumerate(sequences):
        out[row, :len(sequence)] = torch.as_tensor(sequence, dtype=torch.long)
    return out


def inputs(ids, types):
    """Keyword arguments of an HF model for ragged rows of token ids and token types."""
    mask = pad([[1] * len(row) for row in ids], 0)
    return {"input_ids": pad(ids, 0), "token_type_ids": pad(types, 0), "attention_mask": mask}


def packed(ids, types, dtype=np.int32):
    """The rows end to end, as the fixtures store them."""
    return {"ids": np.concatenate([np.asarray(row, dtype) for row in ids]),
            "types": np.concatenate([np.asarray(row, dtype) for row in types]),
            "lengths": np.asarray([len(row) for row in ids], dtype)}


def train(model, batches, rate):
    """Runs one optimiser step a batch of (ids, types, labels); returns the losses before each step."""
    def is_undecayed(name):
        return name.endswith("bias") or "LayerNorm" in name
    groups = [
        {"params": [p for n, p in model.named_parameters() if not is_undecayed(n)], "weight_decay": 0.01},
        {"params": [p for n, p in model.named_parameters() if is_undecayed(n)], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.999), eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: (s + 1) / WARMUP if s < WARMUP else max(0.0, (STEPS - s) / (STEPS - WARMUP)))
    model.train()
    losses, norms = [], []
    for ids, types, labels in batches:
        loss = model(**inputs(ids, types), labels=torch.tensor(labels)).loss
        optimiser.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    return np.asarray(losses), np.asarray(norms)


def curves(make_model, batches, rate):
    """The 50 losses and gradient norms in fp32 and in double precision."""
    single, norms = train(make_model(), batches, rate)
    double, _ = train(make_model().double(), batches, rate)
    print(f"  loss {single[0]:.5f} -> {single[-1]:.5f}; fp32 against fp64, largest relative difference "
          f"{np.max(np.abs(single - double) / np.abs(double)):.2e}; gradient norms {norms.min():.3f} to "
          f"{norms.max():.3f}")
    return {"losses": single.astype(np.float32), "losses_f64": double, "gradient_norms": norms.astype(np.float32)}


def grouped(ids, types, labels, batch):
    """Rows cut into batches of (ids, types, labels)."""
    return [(ids[i:i + batch], types[i:i + batch], labels[i:i + batch]) for i in range(0, len(ids), batch)]


def gradients(model):
    """The gradient of every parameter, as `grad.NAME`."""
    return {f"grad.{name}": p.grad.numpy() for name, p in model.named_parameters() if p.grad is not None}


def minilm_embeddings(folder):
    """Fixture (a)."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertModel.from_pretrained(folder).eval()
    ids = [tokenizer(text, truncation=True, max_length=512)["input_ids"] for text in SENTENCES]
    means, firsts = [], []
    with torch.no_grad():
        for row in ids:
            states = model(input_ids=torch.tensor([row])).last_hidden_state[0]
            means.append(states.mean(0).numpy())
            firsts.append(states[0].numpy())
    tensors = packed(ids, [[0] * len(row) for row in ids])
    save("minilm_embeddings.safetensors", {**tensors, "mean": np.stack(means), "cls": np.stack(firsts)})
    text = json.dumps({"sentences": SENTENCES}, ensure_ascii=False, indent=1) + "\n"
    (HERE / "minilm_embeddings.json").write_text(text, encoding="utf-8")


def tiny_config(activation="gelu"):
    """The configuration of the tiny model."""
    return BertConfig(
        vocab_size=200, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=64, type_vocab_size=2, hidden_act=activation, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, num_labels=3)


def tiny_weights():
    """Random weights for both heads. Biases and LayerNorm are random too, so that a mix-up of them shows."""
    rng = np.random.default_rng(7)
    weights = {}
    models = (BertForSequenceClassification(tiny_config()), BertForMaskedLM(tiny_config()))
    for name, parameter in (item for model in models for item in model.named_parameters()):
        if name in weights:
            continue
        scale, centre = (0.1, 1.0) if name.endswith("LayerNorm.weight") else (0.1, 0.0)
        weights[name] = rng.normal(centre, scale, tuple(parameter.shape)).astype(np.float32)
    return weights


def tiny(kind, weights, activation="gelu"):
    """A tiny HF model of class `kind` with the weights that it has a place for."""
    model = kind(tiny_config(activation))
    state = {name: torch.from_numpy(weights[name].copy()) for name, _ in model.named_parameters()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("decoder" in name or "position_ids" in name for name in missing), missing
    return model


def random_rows(rng, lengths):
    """Rows of random token ids; the second part of each has token type 1."""
    ids = [rng.integers(1, 200, n).tolist() for n in lengths]
    types = []
    for n in lengths:
        first = int(rng.integers(1, n + 1))
        types.append([0] * first + [1] * (n - first))
    return ids, types


def tiny_models():
    """Fixtures (b) and (c)."""
    weights = tiny_weights()
    (HERE / "tiny").mkdir(exist_ok=True)
    config = tiny_config().to_dict()
    config["architectures"] = ["BertForSequenceClassification"]
    (HERE / "tiny" / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    save("tiny/model.safetensors", weights)

    rng = np.random.default_rng(11)
    ids, types = random_rows(rng, [12, 5, 33, 64, 1, 7, 2, 20])
    labels = rng.integers(0, 3, len(ids))
    model = tiny(BertForSequenceClassification, weights).eval()
    out = model(**inputs(ids, types), labels=torch.from_numpy(labels))
    out.loss.backward()
    tensors = {**packed(ids, types), "labels": labels.astype(np.int32), "logits": out.logits.detach().numpy(),
               "loss": out.loss.detach().numpy().reshape(1), **gradients(model)}
    for activation in ("gelu_new", "relu", "silu"):
        with torch.no_grad():
            other = tiny(BertForSequenceClassification, weights, activation).eval()
            tensors[f"logits.{activation}"] = other(**inputs(ids, types)).logits.numpy()
    save("tiny_classifier.safetensors", tensors)

    # The second token gives the label away, so there is something to learn.
    ids, types = random_rows(rng, rng.integers(3, 41, STEPS * 8).tolist())
    labels = rng.integers(0, 3, len(ids))
    for row, label in zip(ids, labels):
        row[1] = 10 + int(label)
    tensors = packed(ids, types)
    losses = curves(lambda: tiny(BertForSequenceClassification, weights),
                    grouped(ids, types, labels.tolist(), 8), 1e-3)
    save("tiny_curve.safetensors", {**tensors, "labels": labels.astype(np.int32), **losses}, batch=8, lr=1e-3)

    ids, types = random_rows(rng, [9, 14, 3, 20])
    targets = [[int(rng.integers(0, 200)) if rng.random() < 0.3 else -100 for _ in row] for row in ids]
    targets[0][0] = 17
    model = tiny(BertForMaskedLM, weights).eval()
    out = model(**inputs(ids, types), labels=pad(targets, -100))
    out.loss.backward()
    logits = np.concatenate([out.logits[row, :len(ids[row])].detach().numpy() for row in range(len(ids))])
    save("tiny_mlm.safetensors", {
        **packed(ids, types), "labels": np.concatenate(targets).astype(np.int32), "logits": logits,
        "loss": out.loss.detach().numpy().reshape(1),
        **{name: value for name, value in gradients(model).items()
           if "cls." in name or "embeddings" in name}})


def minilm_curve(folder, data):
    """Fixture (d)."""
    lines = (data / "rt.train.tsv").read_text(encoding="utf-8").split("\n")[:STEPS * 16]
    names, texts = zip(*(line.split("\t") for line in lines))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = [tokenizer(text, truncation=True, max_length=128)["input_ids"] for text in texts]
    types = [[0] * len(row) for row in ids]
    labels = [("fresh", "rotten").index(name) for name in names]
    classifier = np.random.default_rng(3).normal(0, 0.02, (2, 384)).astype(np.float32)

    def make_model():
        model = BertForSequenceClassification.from_pretrained(
            folder, num_labels=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        with torch.no_grad():
            model.classifier.weight.copy_(torch.from_numpy(classifier))
            model.classifier.bias.zero_()
        return model

    losses = curves(make_model, grouped(ids, types, labels, 16), 5e-5)
    tensors = packed(ids, types, np.int16)
    del tensors["types"]
    save("minilm_curve.safetensors", {
        **tensors, "labels": np.asarray(labels, np.int16), "classifier.weight": classifier,
        "classifier.bias": np.zeros(2, np.float32), **losses}, batch=16, lr=5e-5)


def main():
    """Makes every fixture."""
    parser = argparse.ArgumentParser(description="Makes the parity fixtures (see the head of this file).")
    parser.add_argument("--data", type=Path, default=HERE.parents[2] / "data")
    data = parser.parse_args().data
    torch.manual_seed(0)
    torch.set_num_threads(2)
    tiny_models()
    minilm_embeddings(data / "minilm")
    minilm_curve(data / "minilm", data)


if __name__ == "__main__":
    main()

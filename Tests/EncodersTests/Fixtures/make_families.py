#!/usr/bin/env python3
"""Makes the fixtures of the families of encoders with PyTorch and Hugging Face Transformers.

Needs torch, transformers, safetensors and numpy. Writes, into `families/` beside this script, a directory for each family
and head: the model as save_pretrained has it, and `expected.safetensors` with a ragged batch, the hidden states, logits,
loss and all gradients. The batch is packed: `ids` and `types` hold the sequences end to end, `lengths` says how long each
is; labels of tokens are -100 where there is none.

With `--sweep COUNT DIRECTORY` it writes COUNT random configurations of each family instead; EncodersTests compares those
as well when BERTC_FAMILIES names the directory.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import transformers as hf
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
HEADS = {
    "distilbert": {"sequence": hf.DistilBertForSequenceClassification, "token": hf.DistilBertForTokenClassification,
                   "mlm": hf.DistilBertForMaskedLM},
    "electra": {"sequence": hf.ElectraForSequenceClassification, "token": hf.ElectraForTokenClassification,
                "mlm": hf.ElectraForMaskedLM, "discriminator": hf.ElectraForPreTraining},
}
ACTIVATIONS = ["gelu", "relu", "gelu_new", "silu"]


def config(family, rng, small):
    """A configuration; the same for all heads of the committed fixtures."""
    heads = 2 if small else int(rng.choice([1, 2, 3, 4]))
    width = heads * (8 if small else int(rng.choice([4, 8, 16])))
    layers = 2 if small else int(rng.integers(1, 5))
    inner = 24 if small else int(rng.integers(5, 70))
    common = {"vocab_size": 40 if small else int(rng.integers(10, 200)), "max_position_embeddings": 24,
              "pad_token_id": 0, "num_labels": 3 if small else int(rng.integers(1, 6))}
    activation = "gelu" if small else str(rng.choice(ACTIVATIONS))
    if family == "distilbert":
        return hf.DistilBertConfig(
            dim=width, n_heads=heads, n_layers=layers, hidden_dim=inner, activation=activation, dropout=0.0,
            attention_dropout=0.0, seq_classif_dropout=0.0,
            sinusoidal_pos_embds=not small and bool(rng.random() < 0.3),
            tie_word_embeddings=small or bool(rng.random() < 0.7), **common)
    return hf.ElectraConfig(
        embedding_size=12 if small else width if rng.random() < 0.3 else int(rng.integers(4, 40)), hidden_size=width,
        num_attention_heads=heads, num_hidden_layers=layers, intermediate_size=inner, hidden_act=activation,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, type_vocab_size=2 if small else int(rng.integers(1, 4)),
        layer_norm_eps=1e-12 if small else float(rng.choice([1e-12, 1e-5])),
        tie_word_embeddings=small or bool(rng.random() < 0.7), **common)


def pad(rows, value):
    """Rows of different length as one padded int64 tensor [rows, longest]."""
    out = torch.full((len(rows), max(map(len, rows))), value, dtype=torch.long)
    for index, row in enumerate(rows):
        out[index, :len(row)] = torch.as_tensor(row, dtype=torch.long)
    return out


def labels(head, settings, ids, rng):
    if head == "sequence":
        if settings.num_labels == 1:
            return rng.normal(size=len(ids)).astype(np.float32)
        return rng.integers(0, settings.num_labels, len(ids))
    classes = {"token": settings.num_labels, "mlm": settings.vocab_size, "discriminator": 2}[head]
    share = {"token": 0.7, "mlm": 0.3, "discriminator": 1.0}[head]
    rows = [[int(rng.integers(0, classes)) if rng.random() < share else -100 for _ in row] for row in ids]
    rows[0][1] = 1 % classes
    return rows


def write(family, head, settings, rng, directory):
    if head == "sequence" and settings.num_labels == 1:
        settings.problem_type = "regression"
    model = HEADS[family][head](settings).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if "orm.weight" in name or "norm.weight" in name else 0.0
            parameter.copy_(torch.from_numpy(rng.normal(centre, 0.2, tuple(parameter.shape)).astype(np.float32)))
    model.save_pretrained(directory)
    ids = [rng.integers(1, settings.vocab_size, n).tolist() for n in rng.permutation([7, 16, 3, 11])]
    kinds = getattr(settings, "type_vocab_size", 1)
    types = [rng.integers(0, kinds, len(row)).tolist() for row in ids]
    wanted = labels(head, settings, ids, rng)
    target = torch.from_numpy(wanted) if head == "sequence" else pad(wanted, -100)
    inputs = {"input_ids": pad(ids, 0), "attention_mask": pad([[1] * len(r) for r in ids], 0)}
    if family != "distilbert":
        inputs["token_type_ids"] = pad(types, 0)
    out = model(labels=target, output_hidden_states=True, **inputs)
    out.loss.backward()

    def packed(x):
        return np.concatenate([x[row, :len(ids[row])].detach().numpy() for row in range(len(ids))])

    tensors = {
        "ids": np.concatenate(ids).astype(np.int32), "types": np.concatenate(types).astype(np.int32),
        "lengths": np.asarray([len(row) for row in ids], np.int32),
        "labels": np.asarray(wanted) if head == "sequence" else np.concatenate(wanted).astype(np.int32),
        "hidden": packed(out.hidden_states[-1]), "loss": out.loss.detach().numpy().reshape(1),
        "logits": out.logits.detach().numpy() if head == "sequence" else packed(out.logits)}
    if head == "sequence" and settings.num_labels > 1:
        tensors["labels"] = tensors["labels"].astype(np.int32)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            tensors[f"grad.{name}"] = parameter.grad.numpy()
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, Path(directory) / "expected.safetensors",
              metadata={"format": "pt"})


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(14)
    if sys.argv[1:2] == ["--sweep"]:
        count, target = int(sys.argv[2]), Path(sys.argv[3])
        for family, heads in HEADS.items():
            for index in range(count):
                head = list(heads)[index % len(heads)]
                write(family, head, config(family, rng, False), rng, target / f"{family}-{head}-{index}")
        return
    for family, heads in HEADS.items():
        for head in heads:
            write(family, head, config(family, rng, True), rng, HERE / "families" / f"{family}-{head}")


if __name__ == "__main__":
    main()

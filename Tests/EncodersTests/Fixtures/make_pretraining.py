#!/usr/bin/env python3
"""Makes the fixture of the pre-training head with PyTorch and Hugging Face Transformers.

Needs torch, transformers, safetensors and numpy. Writes, beside this script:

  pretraining/config.json, pretraining/model.safetensors
                              a random tiny BertForPreTraining, as save_pretrained has it
  tiny_pretraining.safetensors  for one ragged batch: logits of both heads, the loss, and gradients

The batch is packed: `ids` and `types` hold the sequences end to end, `lengths` says how long each is; `labels` is -100
where nothing is masked.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import BertConfig, BertForPreTraining

HERE = Path(__file__).resolve().parent


def pad(rows, value):
    """Rows of different length as one padded int64 tensor [rows, longest]."""
    out = torch.full((len(rows), max(map(len, rows))), value, dtype=torch.long)
    for index, row in enumerate(rows):
        out[index, :len(row)] = torch.as_tensor(row, dtype=torch.long)
    return out


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(5)
    model = BertForPreTraining(BertConfig(
        vocab_size=120, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if name.endswith("LayerNorm.weight") else 0.0
            parameter.copy_(torch.from_numpy(rng.normal(centre, 0.1, tuple(parameter.shape)).astype(np.float32)))
    model.save_pretrained(HERE / "pretraining")

    ids = [rng.integers(1, 120, n).tolist() for n in (12, 32, 5, 20)]
    types = [[0] * (len(row) // 2) + [1] * (len(row) - len(row) // 2) for row in ids]
    labels = [[int(rng.integers(0, 120)) if rng.random() < 0.2 else -100 for _ in row] for row in ids]
    labels[0][1] = 17
    following = [0, 1, 1, 0]
    out = model(input_ids=pad(ids, 0), token_type_ids=pad(types, 0), attention_mask=pad([[1] * len(r) for r in ids], 0),
                labels=pad(labels, -100), next_sentence_label=torch.tensor(following))
    out.loss.backward()
    logits = np.concatenate([out.prediction_logits[row, :len(ids[row])].detach().numpy() for row in range(len(ids))])
    tensors = {
        "ids": np.concatenate(ids).astype(np.int32), "types": np.concatenate(types).astype(np.int32),
        "lengths": np.asarray([len(row) for row in ids], np.int32),
        "labels": np.concatenate(labels).astype(np.int32), "next_sentence_labels": np.asarray(following, np.int32),
        "logits": logits, "next_sentence_logits": out.seq_relationship_logits.detach().numpy(),
        "loss": out.loss.detach().numpy().reshape(1)}
    for name, parameter in model.named_parameters():
        if any(part in name for part in ("cls.", "embeddings", "pooler")):
            tensors[f"grad.{name}"] = parameter.grad.numpy()
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()},
              HERE / "tiny_pretraining.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()

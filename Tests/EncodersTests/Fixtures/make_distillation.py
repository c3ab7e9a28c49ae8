#!/usr/bin/env python3
"""Makes `distillation.safetensors` beside this script with PyTorch and Transformers: the losses of 50 steps of AdamW over the batches
of `tiny_curve.safetensors`, in double precision, of a student that starts as the second layer of `tiny` and learns from `tiny`.

The loss is 0.3 times that of the labels, 0.7 · 3² times `KLDivLoss(reduction="batchmean")` at the temperature 3, and, for `cosine`,
`CosineEmbeddingLoss` of the last states of real tokens, for `mse` 0.5 times their `MSELoss`. Needs torch, transformers, safetensors, numpy.
"""

from pathlib import Path

import numpy as np
import torch
import transformers as hf
from safetensors.numpy import load_file, save_file

from make_parity import STEPS, WARMUP, inputs

HERE = Path(__file__).resolve().parent


def losses(kind):
    teacher = hf.BertForSequenceClassification.from_pretrained(HERE / "tiny").double().eval()
    config = hf.BertConfig.from_pretrained(HERE / "tiny", num_hidden_layers=1)
    student = hf.BertForSequenceClassification(config).double()
    state = {name.replace("encoder.layer.1.", "encoder.layer.0."): value for name, value in teacher.state_dict().items()
             if "encoder.layer.0." not in name}
    student.load_state_dict(state)
    student.train()
    file = load_file(HERE / "tiny_curve.safetensors")
    ends = np.cumsum(file["lengths"])
    ids, types = ([row.tolist() for row in np.split(file[name], ends[:-1])] for name in ("ids", "types"))
    undecayed = lambda name: name.endswith("bias") or "LayerNorm" in name
    groups = [{"params": [p for n, p in student.named_parameters() if not undecayed(n)], "weight_decay": 0.01},
              {"params": [p for n, p in student.named_parameters() if undecayed(n)], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: (s + 1) / WARMUP if s < WARMUP else max(0.0, (STEPS - s) / (STEPS - WARMUP)))
    all_losses = []
    for step in range(STEPS):
        part = slice(step * 8, step * 8 + 8)
        given = inputs(ids[part], types[part])
        labels = torch.as_tensor(file["labels"][part].astype(np.int64))
        own = student(**given, labels=labels, output_hidden_states=True)
        with torch.no_grad():
            other = teacher(**given, output_hidden_states=True)
        soft = torch.nn.functional.kl_div(
            torch.log_softmax(own.logits / 3, -1), torch.softmax(other.logits / 3, -1), reduction="batchmean")
        loss = 0.3 * own.loss + 0.7 * 9 * soft
        real = given["attention_mask"].bool()
        a, b = own.hidden_states[-1][real], other.hidden_states[-1][real]
        if kind == "cosine":
            loss = loss + torch.nn.functional.cosine_embedding_loss(a, b, torch.ones(len(a)))
        if kind == "mse":
            loss = loss + 0.5 * torch.nn.functional.mse_loss(a, b)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        all_losses.append(loss.item())
    print(kind, all_losses[0], all_losses[-1])
    return np.asarray(all_losses)


if __name__ == "__main__":
    save_file({kind: losses(kind) for kind in ("none", "cosine", "mse")}, HERE / "distillation.safetensors")

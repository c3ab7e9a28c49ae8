#!/usr/bin/env python3
"""Makes gates.safetensors with PyTorch: the reference of AttentionGateParityTests.

Needs torch and safetensors. Attention of packed sequences with a mask that is learned, in double precision and as
SparseBERT's code has it: hard Gumbel-softmax with straight-through gradient, scores + (1 - M) * (-10000). A row whose
keys are all shut gives 0, as in bertc. For `structured` and `unstructured`, with the name before a dot:

  lengths                sequences, packed end to end
  logits                 [heads, gates, 2]; gate d is for distance d, gate j (j + 1) / 2 + i for the pair i <= j
  noise                  [heads, gates], the difference of two Gumbel numbers
  q, k, v, weights       [tokens, heads, headSize]
  loss                   sum(out * weights) + LAMBDA * sum(M)
  dlogits, dq, dk, dv    its gradients
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

HEADS, SIZE, N, LAMBDA = 2, 4, 6, 0.03
LENGTHS = [6, 1, 4]


def gates(name):
    """The gate of each pair of positions, [N, N]."""
    i, j = torch.arange(N)[:, None], torch.arange(N)[None, :]
    low, high = torch.minimum(i, j), torch.maximum(i, j)
    return high - low if name == "structured" else high * (high + 1) // 2 + low


def attention(q, k, v, mask):
    """[tokens, heads, headSize]."""
    parts, start = [], 0
    for length in LENGTHS:
        own = [x[start : start + length].transpose(0, 1) for x in (q, k, v)]
        kept = mask[:, :length, :length]
        scores = own[0] @ own[1].transpose(-1, -2) / SIZE**0.5 + (1 - kept) * -10000.0
        out = scores.softmax(-1) @ own[2]
        has_keys = kept.detach().sum(-1, keepdim=True) > 0
        parts.append(torch.where(has_keys, out, 0.0).transpose(0, 1))
        start += length
    return torch.cat(parts)


def main():
    generator = torch.Generator().manual_seed(8)
    draw = lambda *shape: torch.randn(shape, generator=generator)
    tensors = {}
    for name in ("structured", "unstructured"):
        index = gates(name)
        count = int(index.max()) + 1
        u = torch.rand((HEADS, count, 2), generator=generator)
        gumbel = -torch.log(-torch.log(u))
        tokens = sum(LENGTHS)
        given = {"logits": draw(HEADS, count, 2), "noise": gumbel[..., 0] - gumbel[..., 1]}
        given |= {x: draw(tokens, HEADS, SIZE) for x in ("q", "k", "v", "weights")}
        x = {key: value.double().requires_grad_() for key, value in given.items()}
        soft = torch.sigmoid(x["logits"][..., 0] - x["logits"][..., 1] + x["noise"])
        keep = (soft >= 0.5).double() + soft - soft.detach()
        mask = keep[:, index]
        loss = (attention(x["q"], x["k"], x["v"], mask) * x["weights"]).sum() + LAMBDA * mask.sum()
        names = ["logits", "q", "k", "v"]
        gradients = torch.autograd.grad(loss, [x[key] for key in names])
        kept = mask.detach() > 0.5
        empty = sum(int((~kept[:, :length, :length]).all(-1).sum()) for length in LENGTHS)
        print(f"{name}: {kept.double().mean():.2f} of the pairs open, {empty} rows without a key")
        tensors[f"{name}.lengths"] = torch.tensor(LENGTHS)
        tensors[f"{name}.loss"] = loss.detach().float()[None]
        tensors |= {f"{name}.{key}": value.float().contiguous() for key, value in given.items()}
        tensors |= {f"{name}.d{key}": value.float().contiguous() for key, value in zip(names, gradients)}
    save_file(tensors, Path(__file__).parent / "gates.safetensors")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes attention.safetensors with PyTorch: the reference of AttentionParityTests.

Needs torch and safetensors. For each of CASES, with its name before a dot:

  lengths                sequences, packed end to end
  q, k, v, dout          bf16[tokens, heads, headSize], so that every precision starts from the same numbers
  out, dq, dk, dv        scaled_dot_product_attention and its gradients in double precision, scale 1/sqrt(headSize)
  lse                    [tokens, heads], the logarithm of each row's sum of exp(score)
  torch_bf16             [4]: |x - reference| / |reference| (2-norms over the tensor) of out, dq, dk, dv when PyTorch
                         computes the same in bf16

Masks are those of bertc: causal keeps j <= i, window(w) keeps |i - j| <= w.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

# name: lengths, heads, headSize, mask
CASES = {
    "ragged": ([5, 70, 1], 2, 16, lambda i, j: i == i),
    "causal": ([150, 7], 1, 20, lambda i, j: j <= i),
    "window": ([20], 2, 33, lambda i, j: (i - j).abs() <= 3),
    "wide": ([12, 3], 2, 64, lambda i, j: i == i),
}


def attention(q, k, v, dout, lengths, keeps):
    """Results by name, all [tokens, heads, ...]."""
    parts = {name: [] for name in ("out", "dq", "dk", "dv", "lse")}
    start = 0
    for length in lengths:
        rows = slice(start, start + length)
        # PyTorch wants [batch, heads, length, headSize].
        own = [x[rows].transpose(0, 1)[None].detach().requires_grad_() for x in (q, k, v)]
        i = torch.arange(length)
        kept = keeps(i[:, None], i[None, :]).expand(length, length)
        out = F.scaled_dot_product_attention(*own, attn_mask=None if kept.all() else kept)
        gradients = torch.autograd.grad(out, own, dout[rows].transpose(0, 1)[None])
        scores = (own[0] @ own[1].transpose(-1, -2)).detach() / q.shape[-1] ** 0.5
        lse = scores.masked_fill(~kept, -float("inf")).logsumexp(-1)
        for name, x in zip(parts, (out, *gradients)):
            parts[name].append(x[0].transpose(0, 1).detach())
        parts["lse"].append(lse[0].transpose(0, 1))
        start += length
    return {name: torch.cat(x).contiguous() for name, x in parts.items()}


def main():
    generator = torch.Generator().manual_seed(20)
    tensors = {}
    for name, (lengths, heads, size, keeps) in CASES.items():
        shape = (sum(lengths), heads, size)
        given = [torch.randn(shape, generator=generator).bfloat16() for _ in range(4)]
        reference = attention(*(x.double() for x in given), lengths, keeps)
        low = attention(*given, lengths, keeps)
        errors = [((low[x].double() - reference[x]).norm() / reference[x].norm()) for x in ("out", "dq", "dk", "dv")]
        tensors[f"{name}.lengths"] = torch.tensor(lengths)
        tensors |= {f"{name}.{x}": tensor for x, tensor in zip(("q", "k", "v", "dout"), given)}
        tensors |= {f"{name}.{x}": tensor.float() for x, tensor in reference.items()}
        tensors[f"{name}.torch_bf16"] = torch.tensor(errors, dtype=torch.float32)
    save_file(tensors, Path(__file__).parent / "attention.safetensors")


if __name__ == "__main__":
    main()

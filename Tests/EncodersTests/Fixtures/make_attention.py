#!/usr/bin/env python3
"""Makes attention.safetensors with PyTorch: the reference of AttentionParityTests.

Needs torch and safetensors. For each of CASES, with its name before a dot:

  lengths                sequences, packed end to end
  q, k, v, dout          bf16[tokens, heads, headSize], so that every precision starts from the same numbers
  out, dq, dk, dv        scaled_dot_product_attention and its gradients in double precision, scale 1/sqrt(headSize)
  lse                    [tokens, heads], the logarithm of each row's sum of exp(score)
  bias, dbias            where the case has one: what is added to the scores (`attn_mask`), [heads, n, n] for pairs of
                         positions or [heads, 2n - 1] for distances, n being the longest length; a tenth of it is
                         -infinity, but never for a query and its own key
  torch_bf16             [4]: |x - reference| / |reference| (2-norms over the tensor) of out, dq, dk, dv when PyTorch
                         computes the same in bf16; not with a bias, which its flash kernel does not take

Masks are those of bertc: causal keeps j <= i, window(w) keeps |i - j| <= w.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

# name: lengths, heads, headSize, mask, bias
CASES = {
    "ragged": ([5, 70, 1], 2, 16, lambda i, j: i == i, None),
    "causal": ([150, 7], 1, 20, lambda i, j: j <= i, None),
    "window": ([20], 2, 33, lambda i, j: (i - j).abs() <= 3, None),
    "wide": ([12, 3], 2, 64, lambda i, j: i == i, None),
    "pairs": ([20, 9], 2, 24, lambda i, j: i == i, "pairs"),
    "distances": ([40, 9], 1, 16, lambda i, j: j <= i, "distances"),
}


def make_bias(kind, heads, n, generator):
    shape = (heads, n, n) if kind == "pairs" else (heads, 2 * n - 1)
    bias = torch.randn(shape, generator=generator).bfloat16()
    excluded = torch.rand(shape, generator=generator) < 0.1
    if kind == "pairs":
        excluded &= ~torch.eye(n, dtype=torch.bool)
    else:
        excluded[:, n - 1] = False
    return bias.masked_fill(excluded, -float("inf"))


def of_pairs(bias, length):
    """The bias of each head and pair of positions below length."""
    if bias.dim() == 3:
        return bias[:, :length, :length]
    i = torch.arange(length)
    return bias[:, i[None, :] - i[:, None] + (bias.shape[1] - 1) // 2]


def attention(q, k, v, dout, lengths, keeps, bias):
    """Results by name, all [tokens, heads, ...]."""
    parts = {name: [] for name in ("out", "dq", "dk", "dv", "lse")}
    start = 0
    dbias = None if bias is None else torch.zeros_like(bias)
    for length in lengths:
        rows = slice(start, start + length)
        # PyTorch wants [batch, heads, length, headSize].
        own = [x[rows].transpose(0, 1)[None].detach().requires_grad_() for x in (q, k, v)]
        i = torch.arange(length)
        kept = keeps(i[:, None], i[None, :]).expand(length, length)
        added = None if kept.all() else kept
        if bias is not None:
            own.append(bias.detach().requires_grad_())
            added = of_pairs(own[3], length).masked_fill(~kept, -float("inf"))[None]
        out = F.scaled_dot_product_attention(*own[:3], attn_mask=added)
        gradients = torch.autograd.grad(out, own, dout[rows].transpose(0, 1)[None])
        scores = (own[0] @ own[1].transpose(-1, -2)).detach() / q.shape[-1] ** 0.5
        if bias is not None:
            dbias += gradients[3]
            scores = scores + of_pairs(bias, length)
        lse = scores.masked_fill(~kept, -float("inf")).logsumexp(-1)
        for name, x in zip(parts, (out, *gradients[:3])):
            parts[name].append(x[0].transpose(0, 1).detach())
        parts["lse"].append(lse[0].transpose(0, 1))
        start += length
    results = {name: torch.cat(x).contiguous() for name, x in parts.items()}
    return results if bias is None else results | {"dbias": dbias}


def main():
    generator = torch.Generator().manual_seed(20)
    tensors = {}
    for name, (lengths, heads, size, keeps, kind) in CASES.items():
        shape = (sum(lengths), heads, size)
        given = [torch.randn(shape, generator=generator).bfloat16() for _ in range(4)]
        bias = kind and make_bias(kind, heads, max(lengths), generator)
        reference = attention(*(x.double() for x in given), lengths, keeps, bias if bias is None else bias.double())
        if bias is None:
            low = attention(*given, lengths, keeps, None)
            errors = [((low[x].double() - reference[x]).norm() / reference[x].norm()) for x in ("out", "dq", "dk", "dv")]
            tensors[f"{name}.torch_bf16"] = torch.tensor(errors, dtype=torch.float32)
        else:
            tensors[f"{name}.bias"] = bias.float()
        tensors[f"{name}.lengths"] = torch.tensor(lengths)
        tensors |= {f"{name}.{x}": tensor for x, tensor in zip(("q", "k", "v", "dout"), given)}
        tensors |= {f"{name}.{x}": tensor.float() for x, tensor in reference.items()}
    save_file(tensors, Path(__file__).parent / "attention.safetensors")


if __name__ == "__main__":
    main()

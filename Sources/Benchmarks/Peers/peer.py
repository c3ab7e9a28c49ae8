"""The PyTorch side of bertc's benchmarks: sets one piece of work up, does it twice, then as often as it is told.

Each line on standard input is a count; the answer is a line of JSON, `seconds` of one of so many runs and `peak`, the
most bytes that the process ever had resident. One such line comes after the first two runs. `--versions` prints what is
installed and ends. Standard output has nothing but answers; it ends with its input.
"""
import argparse
import json
import os
import sys
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--versions", action="store_true")
parser.add_argument("--work", choices=["train", "infer", "attention"])
parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--length", type=int, default=128)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
parser.add_argument("--warmup", type=int, default=2)
parser.add_argument("--config", default="{}", help="config.json's text")
parser.add_argument("--heads", type=int, default=12)
parser.add_argument("--head-size", type=int, default=64)
parser.add_argument("--dropout", type=float, default=0.0)
parser.add_argument("--backward", action="store_true")
options = parser.parse_args()

# What libraries print goes to standard error.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import torch


def answer(**members):
    print(json.dumps(members), file=answers, flush=True)


def peak():
    """VmHWM. Not ru_maxrss, which also counts the process that started this one."""
    with open("/proc/self/status", encoding="utf8") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def model():
    """A fresh classifier with two labels and a batch of full sequences: (model, ids, labels)."""
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(**json.loads(options.config))
    ids = torch.randint(0, config.vocab_size, (options.batch, options.length))
    labels = torch.randint(0, 2, (options.batch,))
    return BertForSequenceClassification(config), ids, labels


def compiled(module):
    return torch.compile(module) if options.mode == "compile" else module


def autocast():
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16")


def training():
    bert, ids, labels = model()
    bert.train()
    optimizer = torch.optim.AdamW(bert.parameters(), lr=1e-5, fused=True)
    forward = compiled(bert)

    def step():
        with autocast():
            loss = forward(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def inference():
    bert, ids, _ = model()
    forward = compiled(bert.eval())

    def step():
        with torch.no_grad(), autocast():
            return forward(input_ids=ids).logits

    return step


def attention():
    shape = (options.batch, options.heads, options.length, options.head_size)
    element = torch.bfloat16 if options.precision == "bf16" else torch.float32
    q, k, v = (torch.randn(shape, dtype=element, requires_grad=options.backward) for _ in range(3))
    cotangent = torch.randn(shape, dtype=element)

    def step():
        with torch.set_grad_enabled(options.backward):
            out = torch.nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=options.dropout)
        if options.backward:
            out.backward(cotangent)
            q.grad = k.grad = v.grad = None

    return step


def seconds(step, count):
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / max(1, count)


def main():
    if options.versions:
        import transformers

        answer(torch=torch.__version__, transformers=transformers.__version__)
        return
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    step = {"train": training, "infer": inference, "attention": attention}[options.work]()
    answer(seconds=seconds(step, options.warmup), peak=peak())
    for line in sys.stdin:
        answer(seconds=seconds(step, int(line)), peak=peak())


main()

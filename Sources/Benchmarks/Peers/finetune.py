"""Fine-tunes a classifier with PyTorch and HF Transformers, as a user would: the peer of `bertc train`.

TASK.train.tsv, TASK.dev.tsv and TASK.test.tsv have a label and a text a line. Batches are padded to their longest text;
AdamW, warm-up over a tenth of the steps, then a linear decay; gradients clipped at 1; tested after each epoch on dev.
"""
import argparse
import random

import torch
from transformers import AutoTokenizer, BertForSequenceClassification, get_linear_schedule_with_warmup

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", required=True)
parser.add_argument("--task", required=True)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--max-length", type=int, default=128)
parser.add_argument("--learning-rate", type=float, default=5e-5)
parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
parser.add_argument("--threads", type=int, default=1)
options = parser.parse_args()

torch.set_num_threads(options.threads)
torch.manual_seed(1)
random.seed(1)
tokenizer = AutoTokenizer.from_pretrained(options.model)


def rows(split):
    with open(f"{options.task}.{split}.tsv", encoding="utf8") as lines:
        return [line.rstrip("\n").split("\t") for line in lines]


def examples(rows, classes):
    """Token ids and class of each row."""
    encoded = tokenizer([row[1] for row in rows], truncation=True, max_length=options.max_length)["input_ids"]
    return [(ids, classes.index(row[0])) for ids, row in zip(encoded, rows)]


def batches(examples):
    for start in range(0, len(examples), options.batch):
        part = examples[start : start + options.batch]
        padded = tokenizer.pad({"input_ids": [ids for ids, _ in part]}, return_tensors="pt")
        yield padded, torch.tensor([label for _, label in part])


def autocast():
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16")


def accuracy(forward, examples):
    right = 0
    with torch.no_grad(), autocast():
        for inputs, labels in batches(examples):
            right += (forward(**inputs).logits.argmax(-1) == labels).sum().item()
    return right / len(examples)


def main():
    texts = {split: rows(split) for split in ("train", "dev", "test")}
    classes = sorted({row[0] for row in texts["train"]})
    data = {split: examples(part, classes) for split, part in texts.items()}
    bert = BertForSequenceClassification.from_pretrained(options.model, num_labels=len(classes))
    forward = torch.compile(bert, dynamic=True) if options.mode == "compile" else bert
    plain = [p for name, p in bert.named_parameters() if "bias" in name or "LayerNorm" in name]
    decayed = [p for name, p in bert.named_parameters() if "bias" not in name and "LayerNorm" not in name]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)
    steps = options.epochs * -(-len(data["train"]) // options.batch)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    for epoch in range(options.epochs):
        bert.train()
        random.shuffle(data["train"])
        for inputs, labels in batches(data["train"]):
            with autocast():
                loss = forward(**inputs, labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(bert.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
        bert.eval()
        print(f"epoch {epoch + 1}: dev accuracy {accuracy(forward, data['dev']):.4f}", flush=True)
    print(f"test accuracy {accuracy(forward, data['test']):.4f}")


main()

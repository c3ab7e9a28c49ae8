"""Pre-trains a BERT with PyTorch and HF Transformers, as a user would: the peer of `bertc train` with `task: pretrain`.

Reads the configuration of bertc and the tokens that it has prepared (docs/pretraining.md has the format). Sentence pairs
and masks are made as bertc makes them, with other random numbers. Batches are padded to their longest pair; AdamW,
warm-up, then a linear or polynomial decay; gradients clipped at 1. Writes log.csv and the model into --output.
"""
import argparse
import json
import os
import random
import struct
import time

import numpy as np
import torch
from transformers import BertConfig, BertForPreTraining

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--config", required=True, help="the train.json of bertc")
parser.add_argument("--tokens", required=True, help="the folder with train.tokens and heldout.tokens")
parser.add_argument("--vocabulary", required=True, help="vocab.txt")
parser.add_argument("--output", required=True)
parser.add_argument("--steps", type=int, help="stop after so many steps; the schedule stays that of the configuration")
parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()

torch.set_num_threads(options.threads)
torch.manual_seed(1)
CLS, SEP, MASK, PAD = 2, 3, 4, 0


class Documents:
    """Documents of a token file as lists of sentences, each an array of ids."""

    def __init__(self, path):
        data = open(path, "rb").read()
        assert data[:8] == b"BERTCTOK", path
        _, width, _, _, documents, sentences, tokens = struct.unpack_from("<IIQQQQQ", data, 8)
        starts = np.frombuffer(data, "<u8", documents + 1, 64)
        bounds = np.frombuffer(data, "<u8", sentences + 1, 64 + 8 * (documents + 1))
        offset = 64 + 8 * (documents + sentences + 2)
        ids = np.frombuffer(data, "<u2" if width == 2 else "<u4", tokens, offset).astype(np.int64)
        self.all = [[ids[bounds[s]:bounds[s + 1]] for s in range(starts[d], starts[d + 1])] for d in range(documents)]

    def pairs(self, rng, length, short):
        """BERT's create_pretraining_data: (first, second, whether the second is a random one)."""
        room, result = length - 3, []
        for index, document in enumerate(self.all):
            target = rng.randint(2, room) if rng.random() < short else room
            begin = 0
            while begin < len(document):
                end, count = begin, 0
                while end < len(document) and count < target:
                    count += len(document[end])
                    end += 1
                cut = begin + (rng.randint(1, end - begin - 1) if end - begin > 1 else 1)
                first, second, is_random = list(np.concatenate(document[begin:cut])), [], False
                if end - begin == 1 or rng.random() < 0.5:
                    is_random = True
                    other = rng.randrange(len(self.all) - 1)
                    other = self.all[other + (other >= index)]
                    place = rng.randrange(len(other))
                    while place < len(other) and (not second or len(second) < target - len(first)):
                        second += list(other[place])
                        place += 1
                    end = cut
                else:
                    second = list(np.concatenate(document[cut:end]))
                while len(first) + len(second) > room:
                    longer = first if len(first) > len(second) else second
                    longer.pop(0 if rng.random() < 0.5 else -1)
                result.append((first, second, is_random))
                begin = end
        return result


def masked(pair, rng, share, vocabulary):
    """Ids, types, labels (-100 where nothing is guessed) of a pair."""
    first, second, _ = pair
    ids = [CLS, *first, SEP, *second, SEP]
    types = [0] * (len(first) + 2) + [1] * (len(second) + 1)
    labels = [-100] * len(ids)
    places = [place for place, token in enumerate(ids) if token not in (CLS, SEP)]
    for place in rng.sample(places, min(len(places), max(1, round(len(ids) * share)))):
        labels[place] = int(ids[place])
        choice = rng.random()
        if choice < 0.9:
            ids[place] = MASK if choice < 0.8 else rng.randrange(vocabulary)
    return ids, types, labels


def padded(rows, value):
    longest = max(map(len, rows))
    return torch.tensor([[int(x) for x in row] + [value] * (longest - len(row)) for row in rows])


def inputs(pairs, rng, share, vocabulary):
    """Keyword arguments of the model for some pairs."""
    ids, types, labels = zip(*(masked(pair, rng, share, vocabulary) for pair in pairs))
    return {"input_ids": padded(ids, PAD), "token_type_ids": padded(types, 0), "labels": padded(labels, -100),
            "attention_mask": padded([[1] * len(row) for row in ids], 0),
            "next_sentence_label": torch.tensor([int(pair[2]) for pair in pairs])}


def autocast():
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16")


def evaluate(model, batches):
    """Masked-LM loss and accuracy, next-sentence accuracy."""
    model.eval()
    loss = words = right = pairs = told = 0
    with torch.no_grad(), autocast():
        for batch in batches:
            out = model(**{name: value for name, value in batch.items() if name != "labels" and "next" not in name})
            chosen = batch["labels"] >= 0
            logits, labels = out.prediction_logits[chosen].float(), batch["labels"][chosen]
            loss += torch.nn.functional.cross_entropy(logits, labels, reduction="sum").item()
            right += (logits.argmax(-1) == labels).sum().item()
            words += len(labels)
            told += (out.seq_relationship_logits.argmax(-1) == batch["next_sentence_label"]).sum().item()
            pairs += len(batch["next_sentence_label"])
    model.train()
    return loss / words, right / words, told / pairs


def main():
    with open(options.config, encoding="utf8") as file:
        config = json.load(file)
    with open(os.path.join(os.path.dirname(options.config), config["model"]), encoding="utf8") as file:
        sizes = json.load(file)
    with open(options.vocabulary, encoding="utf8") as file:
        vocabulary = sum(1 for _ in file)
    model = BertForPreTraining(BertConfig(**{key: value for key, value in sizes.items() if key != "norm_position"}))
    phase = {**config, **config.get("phases", [{}])[0]}
    length, batch, steps = phase.get("length", config.get("maxLength")), phase["batchSize"], phase["steps"]
    share, short, rate = config.get("maskedShare", 0.15), config.get("shortShare", 0.1), phase["learningRate"]
    train, heldout = (Documents(f"{options.tokens}/{name}.tokens") for name in ("train", "heldout"))
    rng = random.Random(7)
    held = heldout.pairs(rng, length, short)
    held = [inputs(held[i:i + 32], rng, share, vocabulary) for i in range(0, len(held), 32)]

    plain = [p for name, p in model.named_parameters() if "bias" in name or "LayerNorm" in name]
    decayed = [p for name, p in model.named_parameters() if "bias" not in name and "LayerNorm" not in name]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": config.get("weightDecay", 0.01)},
                                   {"params": plain, "weight_decay": 0.0}], lr=rate, fused=True)
    warmup = int(np.ceil(phase.get("warmupRatio", 0) * steps))
    power = config.get("polynomialPower", 1) if config.get("schedule") == "polynomial" else 1
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: (s + 1) / warmup if s < warmup else ((steps - s) / (steps - warmup)) ** power)
    os.makedirs(options.output, exist_ok=True)
    log = open(f"{options.output}/log.csv", "w", encoding="utf8")
    log.write("step,loss,seconds,validation_masked_lm_loss,validation_masked_lm_accuracy,"
              "validation_next_sentence_accuracy\n")
    step, every, seconds, last = 0, config.get("evaluateEvery", steps), 0.0, options.steps or steps
    while step < last:
        pairs = train.pairs(rng, length, short)
        rng.shuffle(pairs)
        for start in range(0, len(pairs), batch):
            began = time.perf_counter()
            with autocast():
                loss = model(**inputs(pairs[start:start + batch], rng, share, vocabulary)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
            step += 1
            seconds += time.perf_counter() - began
            if step % every == 0 or step == last:
                figures = evaluate(model, held)
                log.write(f"{step},{loss.item()},{seconds:.1f},{','.join(map(str, figures))}\n")
                log.flush()
                print(f"step {step}/{steps}: {seconds:.0f} s, loss {loss.item():.4f}, held-out masked-LM loss "
                      f"{figures[0]:.4f}, accuracy {figures[1]:.4f}, next-sentence accuracy {figures[2]:.4f}", flush=True)
            if step == last:
                break
    model.save_pretrained(options.output)


main()

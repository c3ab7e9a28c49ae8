"""Makes sharing.safetensors: a tiny ALBERT (shared layers, factorised embeddings) by PyTorch and Transformers.

    python make_sharing.py

The model has 4 layers in 2 groups, embeddings of 12 for a hidden size of 32, and random weights, biases and LayerNorms
included, stored under bertc's names. With them go, in double precision rounded to single: logits, loss, loss with label
smoothing 0.1 and gradients of a classifier; logits, loss and gradients of a masked-LM head; and the losses of ten
steps of AdamW (learning rate 1e-3, weight decay 0.01 but on biases and LayerNorm, gradients clipped at 1, label smoothing
0.1) over the same batch. Written with torch 2.15 and transformers 5.23.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import AlbertConfig, AlbertForMaskedLM, AlbertForSequenceClassification

HERE = Path(__file__).resolve().parent
LAYERS, GROUPS, SMOOTHING = 4, 2, 0.1


def config():
    """The configuration of the tiny model."""
    return AlbertConfig(
        vocab_size=120, embedding_size=12, hidden_size=32, num_hidden_layers=LAYERS, num_hidden_groups=GROUPS,
        num_attention_heads=4, intermediate_size=64, max_position_embeddings=40, type_vocab_size=2,
        hidden_act="gelu", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout_prob=0.0,
        num_labels=3, attn_implementation="eager")


def ours(name):
    """bertc's name of a parameter; the first layer of a group owns what the group shares."""
    name = name.removeprefix("albert.")
    for group in range(GROUPS):
        owner = group * LAYERS // GROUPS
        name = name.replace(f"encoder.albert_layer_groups.{group}.albert_layers.0.", f"encoder.layer.{owner}.")
    for theirs, own in [
            ("attention.query", "attention.self.query"), ("attention.key", "attention.self.key"),
            ("attention.value", "attention.self.value"), ("attention.dense", "attention.output.dense"),
            ("attention.LayerNorm", "attention.output.LayerNorm"), ("ffn_output", "output.dense"),
            ("ffn.", "intermediate.dense."), ("full_layer_layer_norm", "output.LayerNorm"),
            ("pooler.", "pooler.dense."), ("predictions.dense", "cls.predictions.transform.dense"),
            ("predictions.LayerNorm", "cls.predictions.transform.LayerNorm"),
            ("predictions.bias", "cls.predictions.bias")]:
        if theirs in name:
            return name.replace(theirs, own)
    return name


def model(kind, weights):
    """A model of class `kind` in double precision, with the weights by bertc's names."""
    made = kind(config()).double().eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.copy_(torch.from_numpy(weights[ours(name)]))
    return made


def gradients(made, prefix, parts=("",)):
    """The gradient of every parameter with one of `parts` in its name."""
    return {f"{prefix}.{ours(name)}": p.grad.numpy().astype(np.float32)
            for name, p in made.named_parameters() if p.grad is not None and any(part in name for part in parts)}


def main():
    """Makes the fixture."""
    rng = np.random.default_rng(5)
    weights = {}
    for kind in (AlbertForSequenceClassification, AlbertForMaskedLM):
        for name, parameter in kind(config()).named_parameters():
            centre = 1.0 if name.endswith(("LayerNorm.weight", "layer_norm.weight")) else 0.0
            weights.setdefault(
                ours(name), rng.normal(centre, 0.1, tuple(parameter.shape)).astype(np.float32))
    lengths = [11, 5, 24, 2, 17, 9]
    width = max(lengths)
    ids = np.zeros((len(lengths), width), np.int64)
    types, mask = np.zeros_like(ids), np.zeros_like(ids)
    targets = np.full_like(ids, -100)
    for row, length in enumerate(lengths):
        ids[row, :length] = rng.integers(1, 120, length)
        types[row, int(rng.integers(1, length + 1)):length] = 1
        mask[row, :length] = 1
        chosen = rng.random(length) < 0.3
        chosen[0] = True
        targets[row, :length][chosen] = rng.integers(0, 120, int(chosen.sum()))
    labels = rng.integers(0, 3, len(lengths))
    real = mask.astype(bool)
    inputs = {"input_ids": torch.from_numpy(ids), "token_type_ids": torch.from_numpy(types),
              "attention_mask": torch.from_numpy(mask)}
    out = {f"weight.{name}": value for name, value in weights.items()}
    out |= {"ids": ids[real].astype(np.int32), "types": types[real].astype(np.int32),
            "lengths": np.asarray(lengths, np.int32), "labels": labels.astype(np.int32),
            "targets": targets[real].astype(np.int32)}

    classifier = model(AlbertForSequenceClassification, weights)
    result = classifier(**inputs, labels=torch.from_numpy(labels))
    result.loss.backward()
    smooth = torch.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    out |= {"logits": result.logits.detach().numpy(), "loss": result.loss.detach().numpy().reshape(1),
            **gradients(classifier, "grad")}
    classifier.zero_grad()
    loss = smooth(classifier(**inputs).logits, torch.from_numpy(labels))
    loss.backward()
    out |= {"loss.smooth": loss.detach().numpy().reshape(1), **gradients(classifier, "smooth", ("pooler", "classifier"))}

    language = model(AlbertForMaskedLM, weights)
    result = language(**inputs, labels=torch.from_numpy(targets))
    result.loss.backward()
    out |= {"mlm.logits": result.logits.detach().numpy()[targets != -100],
            "mlm.loss": result.loss.detach().numpy().reshape(1), **gradients(language, "mlm.grad", ("predictions", "embedding"))}

    trained = model(AlbertForSequenceClassification, weights)
    decayed = [p for n, p in trained.named_parameters() if not n.endswith("bias") and "ayer_norm" not in n
               and "LayerNorm" not in n]
    others = [p for p in trained.parameters() if not any(p is q for q in decayed)]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01},
                                   {"params": others, "weight_decay": 0.0}], lr=1e-3)
    losses = []
    for _ in range(10):
        loss = smooth(trained(**inputs).logits, torch.from_numpy(labels))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
    out["losses"] = np.asarray(losses)
    out = {name: value.astype(np.float32) if value.dtype == np.float64 else value for name, value in out.items()}
    save_file({name: np.ascontiguousarray(value) for name, value in out.items()},
              HERE / "sharing.safetensors")
    print(losses, {name: value.shape for name, value in out.items() if "." not in name})


if __name__ == "__main__":
    main()

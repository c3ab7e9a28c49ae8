#!/usr/bin/env python3
"""Makes the fixtures of the families of encoders with PyTorch and Hugging Face Transformers.

Needs torch, transformers, safetensors and numpy. Writes, into `families/` beside this script, a directory for each family
and head: the model as save_pretrained has it, and `expected.safetensors` with a ragged batch, the hidden states, logits,
loss and all gradients, computed in double precision, and the losses of 20 steps of AdamW (with `--sweep` the weights after
them too). The batch is packed: `ids` and
`types` hold the sequences end to end, `lengths` says how long each is; labels of tokens are -100 where there is none.

Names of families as arguments restrict it to those. With `--sweep COUNT DIRECTORY` before them it writes COUNT random
configurations of each family instead; EncodersTests compares those as well when BERTC_FAMILIES names the directory. With
`--check DIRECTORY SAVED` it loads what bertc saved, by BERTC_SAVED_FAMILIES of those tests, and compares its outputs.
"""

import copy
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
import transformers as hf
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent


def classes(name, *others):
    """The classes of a family with the usual heads."""
    heads = {"encoder": "Model", "sequence": "ForSequenceClassification", "token": "ForTokenClassification", "mlm": "ForMaskedLM"}
    return {head: getattr(hf, name + suffix) for head, suffix in [*heads.items(), ("multilabel", heads["sequence"]), *others]}


# Heads that not all families have.
ENDS = [("question", "ForQuestionAnswering"), ("choice", "ForMultipleChoice")]


HEADS = {
    "bert": classes("Bert", *ENDS, ("next", "ForNextSentencePrediction")),
    "distilbert": classes("DistilBert", *ENDS),
    "electra": classes("Electra", ("discriminator", "ForPreTraining"), *ENDS),
    "roberta": classes("Roberta", *ENDS),
    "xlm-roberta": classes("XLMRoberta", *ENDS),
    "camembert": classes("Camembert", *ENDS),
    "albert": classes("Albert", ("pretraining", "ForPreTraining"), *ENDS),
    "mpnet": classes("MPNet", *ENDS),
    "deberta-v2": classes("DebertaV2", *ENDS),
    "modernbert": classes("ModernBert", *ENDS),
    "nomic_bert": classes("NomicBert"),
    "eurobert": classes("EuroBert"),
    "gte": classes("Gte"),
}
# Families whose code is another's have one fixture, and so have heads that are the same in all families.
FIXTURES = {"xlm-roberta": ["sequence"], "camembert": ["token"], "bert": ["question", "choice", "next", "multilabel"]}
OMITTED = {"multilabel": list(HEADS), "question": ["roberta", "albert", "mpnet", "deberta-v2"], "choice": ["albert"]}
ACTIVATIONS = ["gelu", "relu", "gelu_new", "silu"]
OPTIMIZER = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-4, "weight_decay": 0.01}
STEPS = 20
# Heads with one row of logits for each sequence, and how many of a batch's sequences each example has.
WHOLE = ("sequence", "multilabel", "next", "choice")
CHOICES = [3, 1]


def config(family, rng, small):
    """A configuration; the same for all heads of the committed fixtures."""
    def pick(fixed, choose):
        return fixed if small else choose()

    heads = pick(2, lambda: int(rng.choice([1, 2, 3, 4])))
    width = heads * pick(4, lambda: int(rng.choice([4, 8, 16])))
    layers = pick(2, lambda: int(rng.integers(1, 5)))
    inner = pick(12, lambda: int(rng.integers(5, 70)))
    common = {"vocab_size": pick(30, lambda: int(rng.integers(10, 200))), "max_position_embeddings": 20 if small else 24, "pad_token_id": 0,
              "num_labels": pick(3, lambda: int(rng.integers(1, 6))),
              "tie_word_embeddings": pick(True, lambda: bool(rng.random() < 0.7))}
    activation = pick("gelu", lambda: str(rng.choice(ACTIVATIONS)))
    epsilon = pick(1e-12, lambda: float(rng.choice([1e-12, 1e-5])))
    if family == "distilbert":
        return hf.DistilBertConfig(
            dim=width, n_heads=heads, n_layers=layers, hidden_dim=inner, activation=activation, dropout=0.0,
            attention_dropout=0.0, seq_classif_dropout=0.0, qa_dropout=0.0,
            sinusoidal_pos_embds=pick(False, lambda: bool(rng.random() < 0.3)), **common)
    common |= {"hidden_size": width, "num_attention_heads": heads, "num_hidden_layers": layers, "intermediate_size": inner}
    if family == "modernbert":
        return modernbert(rng, small, layers, activation, common)
    if family == "eurobert":
        return eurobert(rng, small, activation, common)
    common |= {"hidden_act": activation, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
               "layer_norm_eps": epsilon}
    if family == "mpnet":
        return hf.MPNetConfig(**common | {"pad_token_id": 1})
    if family == "deberta-v2":
        return deberta(rng, small, common)
    common["type_vocab_size"] = pick(2, lambda: int(rng.integers(1, 4)))
    tables = pick(6, lambda: width if rng.random() < 0.3 else int(rng.integers(4, 40)))
    if family == "nomic_bert":
        base = pick(1000.0, lambda: float(rng.choice([100.0, 1000.0, 10000.0])))
        return hf.NomicBertConfig(rope_parameters={"rope_type": "default", "rope_theta": base}, **common)
    if family == "gte":
        common["type_vocab_size"] = pick(1, lambda: int(rng.integers(0, 3)))
        return hf.GteConfig(rope_parameters=rotary(rng, small), classifier_dropout=0.0, **common)
    if family == "electra":
        return hf.ElectraConfig(embedding_size=tables, summary_last_dropout=0.0,
                                summary_activation=pick("relu", lambda: str(rng.choice(ACTIVATIONS))), **common)
    if family == "albert":
        groups, repeats = pick((2, 1), lambda: (int(rng.integers(1, layers + 1)), int(rng.integers(1, 3))))
        common["num_hidden_layers"] = pick(3, lambda: layers)
        return hf.AlbertConfig(embedding_size=tables, num_hidden_groups=groups, inner_group_num=repeats,
                               classifier_dropout_prob=0.0, **common)
    if family == "bert":
        return hf.BertConfig(**common)
    kind = {"roberta": hf.RobertaConfig, "xlm-roberta": hf.XLMRobertaConfig, "camembert": hf.CamembertConfig}[family]
    return kind(**common | {"pad_token_id": pick(1, lambda: int(rng.integers(0, 4)))})


def deberta(rng, small, common):
    def choose(fixed, *others):
        return fixed if small else others[rng.integers(0, len(others))]

    # Without relative attention its norm, and without terms its vectors, are there and nobody reads them: not tried.
    relative = choose(True, True, True, False)
    return hf.DebertaV2Config(
        relative_attention=relative, position_buckets=choose(4, -1, 2, 4, 8),
        max_relative_positions=choose(-1, -1, 9, 15), share_att_key=choose(True, True, False),
        pos_att_type=choose(["p2c", "c2p"], ["p2c", "c2p"], ["p2c", "c2p"], ["c2p"], ["p2c"]),
        norm_rel_ebd=choose("layer_norm", "layer_norm", "none") if relative else "none", position_biased_input=choose(False, False, True),
        type_vocab_size=choose(0, 0, 2), pooler_hidden_act=choose("gelu", "gelu", "relu"),
        legacy=choose(True, True, False) or not common["tie_word_embeddings"], **common)


def modernbert(rng, small, layers, activation, common):
    def flag(fixed):
        return fixed if small else bool(rng.random() < 0.5)

    every = 2 if small else int(rng.integers(1, 4))
    return hf.ModernBertConfig(
        hidden_activation=activation, classifier_activation="gelu" if small else str(rng.choice(ACTIVATIONS)),
        norm_eps=1e-5, norm_bias=flag(False), attention_bias=flag(False), mlp_bias=flag(False), decoder_bias=flag(True),
        classifier_bias=flag(False), classifier_pooling="mean" if flag(False) else "cls",
        local_attention=6 if small else int(rng.integers(2, 15)),
        layer_types=["sliding_attention" if index % every else "full_attention" for index in range(layers)],
        rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 160000.0 if small else 1000.0},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}},
        bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2, **common)


def rotary(rng, small):
    """Plain rotary positions, or positions divided by a factor."""
    base = 1000.0 if small else float(rng.choice([100.0, 1000.0, 10000.0]))
    if small or rng.random() < 0.5:
        return {"rope_type": "linear", "rope_theta": base, "factor": 1.0625 if small else float(rng.uniform(1, 4))}
    return {"rope_type": "default", "rope_theta": base}


def eurobert(rng, small, activation, common):
    def flag(fixed):
        return fixed if small else bool(rng.random() < 0.5)

    heads = common["num_attention_heads"]
    groups = 1 if small else int(rng.choice([count for count in range(1, heads + 1) if heads % count == 0]))
    return hf.EuroBertConfig(
        hidden_act=activation if not small else "silu", rms_norm_eps=1e-5, num_key_value_heads=groups, attention_bias=flag(False),
        mlp_bias=flag(True), classifier_pooling="late" if small else str(rng.choice(["bos", "mean", "late"])),
        rope_parameters=rotary(rng, small), bos_token_id=1, eos_token_id=2, mask_token_id=3, **common)


def pad(rows, value):
    """Rows of different length as one padded int64 tensor [rows, longest]."""
    out = torch.full((len(rows), max(map(len, rows))), value, dtype=torch.long)
    for index, row in enumerate(rows):
        out[index, :len(row)] = torch.as_tensor(row, dtype=torch.long)
    return out


def labels(head, settings, ids, rng):
    """What the head is to predict: one number or class for each sequence, or a class for each token, -100 for none."""
    if head == "multilabel":
        return rng.integers(0, 2, (len(ids), settings.num_labels)).astype(np.float32)
    if head == "next":
        return rng.integers(0, 2, len(ids)).astype(np.int32)
    if head == "choice":
        return np.asarray([rng.integers(0, count) for count in CHOICES], np.int32)
    if head == "sequence":
        if settings.num_labels == 1:
            return rng.normal(size=len(ids)).astype(np.float32)
        return rng.integers(0, settings.num_labels, len(ids)).astype(np.int32)
    counts = {"token": settings.num_labels, "discriminator": 2}.get(head, settings.vocab_size)
    share = {"token": 0.7, "discriminator": 1.0}.get(head, 0.3)
    rows = [[int(rng.integers(0, counts)) if rng.random() < share else -100 for _ in row] for row in ids]
    rows[0][1] = 1 % counts
    return rows


def batch(family, head, settings, rng):
    """A ragged batch: the tensors of the fixture, and what the model is called with."""
    low = 1 + (settings.pad_token_id or 0)
    ids = [rng.integers(low, settings.vocab_size, n).tolist() for n in rng.permutation([7, 16, 3, 11])]
    kinds = getattr(settings, "type_vocab_size", 0)
    types = [rng.integers(0, kinds or 1, len(row)).tolist() for row in ids]
    inputs = {"input_ids": pad(ids, settings.pad_token_id), "attention_mask": pad([[1] * len(r) for r in ids], 0)}
    if kinds:
        inputs["token_type_ids"] = pad(types, 0)
    tensors = {"ids": np.concatenate(ids).astype(np.int32), "types": np.concatenate(types).astype(np.int32),
               "lengths": np.asarray([len(row) for row in ids], np.int32)}
    if head == "question":
        ends = np.asarray([sorted(rng.integers(0, len(row), 2)) for row in ids], np.int32).T
        for name, places in zip(("start_positions", "end_positions"), ends):
            inputs[name], tensors[name] = torch.from_numpy(places).long(), places
    elif head != "encoder":
        wanted = labels(head, settings, ids, rng)
        if head in WHOLE:
            numbers = head == "multilabel" or head == "sequence" and settings.num_labels == 1
            inputs["labels"] = torch.from_numpy(wanted).to(torch.double if numbers else torch.long)
        else:
            inputs["labels"] = pad(wanted, -100)
        tensors["labels"] = wanted if head in WHOLE else np.concatenate(wanted).astype(np.int32)
    if head == "choice":
        tensors["example_offsets"] = np.cumsum([0, *CHOICES]).astype(np.int32)
    if head == "pretraining":
        order = rng.integers(0, 2, len(ids))
        inputs["sentence_order_label"] = torch.from_numpy(order)
        tensors["next_sentence_labels"] = order.astype(np.int32)
    return inputs, tensors


def examples(head, inputs):
    """The calls of a model whose mean loss is that of a batch: one for each example where its logits are a distribution over
    tokens, of which padding would be a part, or over choices, whose numbers differ."""
    counts = {"question": [1] * len(inputs["input_ids"]), "choice": CHOICES}.get(head)
    if not counts:
        return [inputs]
    calls, start = [], 0
    for index, count in enumerate(counts):
        rows = slice(start, start + count)
        length = int(inputs["attention_mask"][rows].sum(1).max())
        call = {name: x[rows, :length] for name, x in inputs.items() if x.dim() == 2}
        if head == "choice":
            call = {name: x[None] for name, x in call.items()} | {"labels": inputs["labels"][index:index + 1]}
        else:
            call |= {name: x[rows] for name, x in inputs.items() if x.dim() == 1}
        calls.append(call)
        start += count
    return calls


def run(model, head, inputs):
    """The loss and the logits; those of tokens are packed."""
    outputs = [model(**call) for call in examples(head, inputs)]
    loss = sum(out.loss for out in outputs) / len(outputs)
    if head == "question":
        logits = torch.cat([torch.stack([out.start_logits[0], out.end_logits[0]], 1) for out in outputs])
    elif head == "choice":
        logits = torch.cat([out.logits[0] for out in outputs])
    else:
        logits = outputs[0].prediction_logits if head == "pretraining" else outputs[0].logits
    return loss, logits, outputs[0]


def train(model, head, inputs):
    """The losses of some steps of AdamW from the model's weights, which stay as they are, and the weights after them."""
    model = copy.deepcopy(model)
    plain = [name for name, _ in model.named_parameters() if any(part in name.lower() for part in ("bias", "norm", "_ln."))]
    groups = [{"params": [p for n, p in model.named_parameters() if (n in plain) == bare],
               "weight_decay": 0.0 if bare else OPTIMIZER["weight_decay"]} for bare in (False, True)]
    optimizer = torch.optim.AdamW(groups, **OPTIMIZER)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = run(model, head, inputs)[0]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.asarray(losses), {name: p.detach().numpy() for name, p in model.named_parameters() if p.grad is not None}


def write(family, head, settings, rng, directory, keeps_trained=False):
    settings = copy.deepcopy(settings)
    if head == "sequence" and settings.num_labels == 1:
        settings.problem_type = "regression"
    if head == "multilabel":
        settings.problem_type = "multi_label_classification"
    if head in ("pretraining", "question", "next"):
        settings.num_labels = 2
    model = HEADS[family][head](settings).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if "orm.weight" in name else 0.0
            parameter.copy_(torch.from_numpy(rng.normal(centre, 0.2, tuple(parameter.shape)).astype(np.float32)))
    model.save_pretrained(directory)
    model = model.double()
    inputs, tensors = batch(family, head, settings, rng)
    rows = range(len(tensors["lengths"]))

    def packed(x):
        return np.concatenate([x[row, :tensors["lengths"][row]].detach().numpy() for row in rows])

    tensors["hidden"] = packed(model(**inputs).last_hidden_state if head == "encoder" else last_states(model, inputs))
    if head != "encoder":
        loss, logits, out = run(model, head, inputs)
        tensors["logits"] = logits.detach().numpy() if head in WHOLE or head == "question" else packed(logits)
        if head == "pretraining":
            tensors["next_sentence_logits"] = out.sop_logits.detach().numpy()
        loss.backward()
        tensors["loss"] = loss.detach().numpy().reshape(1)
        tensors["losses"], trained = train(model, head, inputs)
        if keeps_trained:
            tensors |= {f"trained.{name}": weights for name, weights in trained.items()}
        tensors |= {f"grad.{name}": p.grad.numpy() for name, p in model.named_parameters() if p.grad is not None}
    tensors = {key: np.ascontiguousarray(value, np.float32 if value.dtype == np.float64 else value.dtype)
               for key, value in tensors.items()}
    save_file(tensors, Path(directory) / "expected.safetensors", metadata={"format": "pt"})


def last_states(model, inputs):
    """The encoder's last states."""
    return model.base_model(**{key: value for key, value in inputs.items() if "label" not in key and "positions" not in key}).last_hidden_state


def generator(*words):
    """Random numbers that are the same whatever else is made."""
    return np.random.default_rng(zlib.crc32(" ".join(words).encode()))


def check(made, saved):
    """Loads each model that was saved again and compares its outputs with those of the model that was made."""
    worst = 0.0
    for directory in sorted(path for path in saved.iterdir() if path.is_dir()):
        kind = json.loads((directory / "config.json").read_text())["architectures"][0]
        outputs = []
        for place in made / directory.name, directory:
            model, report = getattr(hf, kind).from_pretrained(place, output_loading_info=True)
            poolers = {key for key in report["missing_keys"] if ".pooler." in f".{key}"}
            wrong = set(report["missing_keys"]) - poolers | set(report["unexpected_keys"])
            assert not wrong and not report["mismatched_keys"], (place, wrong)
            torch.manual_seed(1)
            ids = torch.randint(5, model.config.vocab_size, (1, 3, 9) if kind.endswith("MultipleChoice") else (3, 9))
            outputs.append(model.eval()(ids)[0])
        worst = max(worst, (outputs[0] - outputs[1]).abs().max().item())
        assert torch.equal(*outputs), directory
    print(f"{len(list(saved.iterdir()))} models, largest difference {worst}")


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--check"]:
        return check(Path(arguments[1]), Path(arguments[2]))
    sweep = arguments[:1] == ["--sweep"]
    for family in (arguments[3:] if sweep else arguments) or HEADS:
        if sweep:
            for index in range(int(arguments[1])):
                head = list(HEADS[family])[(index + 1) % len(HEADS[family])]
                rng = generator("sweep", family, str(index))
                write(family, head, config(family, rng, False), rng, Path(arguments[2]) / f"{family}-{head}-{index}", True)
            continue
        for head in FIXTURES.get(family, [head for head in HEADS[family] if head != "encoder" and family not in OMITTED.get(head, [])]):
            rng = generator(family, head)
            write(family, head, config(family, rng, True), rng, HERE / "families" / f"{family}-{head}")


if __name__ == "__main__":
    main()

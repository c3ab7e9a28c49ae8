#!/usr/bin/env python3
"""Makes the fixtures of low-rank adapters with PyTorch, Hugging Face Transformers and PEFT.

Needs torch, transformers, peft, safetensors and numpy. Writes, into `adapters/` beside this script, a directory for each family
as PEFT's save_pretrained leaves it, over the base `families/NAME-sequence` (of `bert` over `tiny`), with `expected.safetensors`:
the base's batch, logits and the loss with the adapter, in double precision, and `gradients`, where the adapter's gradients have
the place of its matrices. `curve` has an
adapter as it starts and the losses of 50 steps of AdamW over the batches of `tiny_curve.safetensors`, whose schedule it has.

With `--check DIRECTORY` it loads the adapters there, which bertc saved by BERTC_SAVED_ADAPTERS of EncodersTests, and compares.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers as hf
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.numpy import load_file, save_file

HERE = Path(__file__).resolve().parent
FAMILIES = ["bert", "roberta", "distilbert", "electra", "albert", "mpnet", "deberta-v2", "modernbert", "nomic_bert", "eurobert", "gte"]
STEPS, WARMUP = 50, 5


def base(family):
    return HERE / "tiny" if family == "bert" else HERE / "families" / f"{family}-sequence"


def model(family):
    return hf.AutoModelForSequenceClassification.from_pretrained(base(family))


def batch(family):
    """The base's batch: the file's tensors, and ids, types and labels."""
    file = load_file(HERE / "tiny_classifier.safetensors" if family == "bert" else base(family) / "expected.safetensors")
    file = {name: file[name] for name in ("ids", "types", "lengths", "labels")}
    ends = np.cumsum(file["lengths"])
    rows = lambda name: np.split(file[name], ends[:-1])
    return file, rows("ids"), rows("types"), file["labels"]


def padded(rows):
    out = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for index, row in enumerate(rows):
        out[index, :len(row)] = torch.as_tensor(np.asarray(row, dtype=np.int64))
    return out


def inputs(family, ids, types):
    given = {"input_ids": padded(ids), "attention_mask": padded([[1] * len(row) for row in ids])}
    config = hf.AutoConfig.from_pretrained(base(family))
    if getattr(config, "type_vocab_size", 0):
        given["token_type_ids"] = padded(types)
    # Some families count positions by the padding's id.
    given["input_ids"][given["attention_mask"] == 0] = config.pad_token_id
    return given


def settings(family):
    common = {"task_type": "SEQ_CLS", "r": 3, "lora_alpha": 5, "init_lora_weights": False}
    if family == "roberta":
        return LoraConfig(target_modules=["query", "value"], use_rslora=True, **common)
    if family == "electra":
        return LoraConfig(target_modules=["query", "dense"], alpha_pattern={"intermediate.dense": 2}, rank_pattern={"query": 2}, **common)
    if family == "eurobert":
        return LoraConfig(target_modules=["up_proj", "o_proj"], **common)
    if family == "distilbert":
        return LoraConfig(target_modules=["q_lin", "v_lin", "lin1"], **common)
    return LoraConfig(target_modules="all-linear", **common)


def adapters():
    for family in FAMILIES:
        torch.manual_seed(3)
        adapted = get_peft_model(model(family), settings(family)).eval()
        directory = HERE / "adapters" / family
        adapted.peft_config["default"].base_model_name_or_path = f"../../{base(family).relative_to(HERE)}"
        adapted.save_pretrained(directory)
        (directory / "README.md").unlink(missing_ok=True)
        config = json.loads((directory / "adapter_config.json").read_text())
        if isinstance(config["target_modules"], list):
            config["target_modules"].sort()
        (directory / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
        file, ids, types, labels = batch(family)
        adapted = adapted.double()
        out = adapted(**inputs(family, ids, types), labels=torch.as_tensor(labels.astype(np.int64)))
        out.loss.backward()
        gradients = {name.replace(".default", "").replace(".modules_to_save", ""): parameter.grad
                     for name, parameter in adapted.named_parameters() if parameter.grad is not None}
        save_file(file | {"logits": out.logits.detach().numpy().astype(np.float32), "loss": out.loss.detach().numpy().reshape(1).astype(np.float32)},
                  directory / "expected.safetensors")
        (directory / "gradients").mkdir(exist_ok=True)
        save_file({name: value.numpy().astype(np.float32) for name, value in gradients.items() if "lora_" in name},
                  directory / "gradients" / "adapter_model.safetensors")
        (directory / "gradients" / "adapter_config.json").write_text((directory / "adapter_config.json").read_text())
        print(family, out.loss.item(), len(gradients))


def curve():
    file = load_file(HERE / "tiny_curve.safetensors")
    ends = np.cumsum(file["lengths"])
    ids, types = (np.split(file[name], ends[:-1]) for name in ("ids", "types"))
    torch.manual_seed(5)
    adapted = get_peft_model(model("bert"), LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=8))
    directory = HERE / "adapters" / "curve"
    adapted.peft_config["default"].base_model_name_or_path = "../../tiny"
    adapted.save_pretrained(directory)
    (directory / "README.md").unlink(missing_ok=True)
    adapted = adapted.double().train()
    named = [(name, parameter) for name, parameter in adapted.named_parameters() if parameter.requires_grad]
    groups = [{"params": [p for n, p in named if not n.endswith("bias")], "weight_decay": 0.01},
              {"params": [p for n, p in named if n.endswith("bias")], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: (s + 1) / WARMUP if s < WARMUP else max(0.0, (STEPS - s) / (STEPS - WARMUP)))
    losses = []
    for step in range(STEPS):
        part = slice(step * 8, step * 8 + 8)
        loss = adapted(**inputs("bert", ids[part], types[part]), labels=torch.as_tensor(file["labels"][part].astype(np.int64))).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for _, p in named], 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    save_file({"losses_f64": np.asarray(losses)}, directory / "expected.safetensors")
    print("curve", losses[0], losses[-1])


def check(directory):
    for folder in sorted(Path(directory).iterdir()):
        family = folder.name
        adapted = PeftModel.from_pretrained(model(family), folder).eval()
        _, ids, types, _ = batch(family)
        with torch.no_grad():
            logits = adapted(**inputs(family, ids, types)).logits.numpy()
        expected = load_file(HERE / "adapters" / family / "expected.safetensors")["logits"]
        print(family, "largest difference", np.abs(logits - expected).max())
        assert np.allclose(logits, expected, atol=1e-5), family


if __name__ == "__main__":
    torch.set_num_threads(2)
    if "--check" in sys.argv:
        check(sys.argv[sys.argv.index("--check") + 1])
    else:
        adapters()
        curve()

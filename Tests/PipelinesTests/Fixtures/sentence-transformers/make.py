#!/usr/bin/env python3
"""Makes random sentence-transformers directories with the vectors that sentence-transformers gives for them.

    make.py                      the fixtures beside this script, small-0/ to small-7/
    make.py FOLDER COUNT [SEED]  COUNT directories FOLDER/0, FOLDER/1, … for a wider comparison

Each directory also holds expected.json: texts, the arguments of encode() and the vectors; or the error when
sentence-transformers itself does not load or run it. Needs: pip install sentence-transformers. The models are tiny
random BERTs; modules, their options, prompts, lengths, layouts and spellings of all versions are drawn at random.
"""

import json
import os
import random
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel

HERE = Path(__file__).resolve().parent
WORDS = ("a fine film bad is it not the very plot Plot Film query passage : . , ! ##s ##ly ##m ##e caf café é i "
         "fi straße title text of").split()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS
TEXTS = ["A fine film.", "the plot is very bad, it is not fine!", "Café Plot FILM", "", "a", "films finely unknownword",
         "it is the film of the plot of the film of the plot, and a very very fine film: not bad, not bad!"]
ACTIVATIONS = ["gelu", "gelu_new", "gelu_10", "gelu_fast", "gelu_python", "gelu_pytorch_tanh", "gelu_accurate", "hardswish",
               "laplace", "leaky_relu", "linear", "mish", "quick_gelu", "relu", "relu2", "relu6", "sigmoid", "silu",
               "sqrtsoftplus", "swish", "tanh"]
DENSE = ["activation.Tanh", "linear.Identity", "activation.ReLU", "activation.GELU", "activation.Sigmoid", "activation.SiLU",
         "activation.Mish", "activation.ReLU6", "activation.LeakyReLU", "activation.ELU", "activation.CELU",
         "activation.SELU", "activation.Softplus", "activation.Softsign", "activation.LogSigmoid", "activation.Tanhshrink",
         "activation.Softshrink", "activation.Hardshrink", "activation.Hardtanh", "activation.Hardsigmoid",
         "activation.Hardswish"]
MODES = {"pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max", "pooling_mode_mean_tokens": "mean",
         "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
         "pooling_mode_weightedmean_tokens": "weightedmean", "pooling_mode_lasttoken": "lasttoken"}
PREFIXES = ["", "", "bert."]
# Seeds whose directories are small and together have every module and most options.
FIXTURES = [5007, 5017, 5022, 5026, 5031, 5033, 5041, 5049]


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False))


def uniform(*shape):
    return torch.rand(*shape) * 1.2 - 0.6


def encoder(folder, rng, gives_layers):
    heads = rng.choice([1, 2])
    hidden = heads * rng.choice([4, 6, 8])
    config = BertConfig(vocab_size=len(VOCABULARY), hidden_size=hidden, num_hidden_layers=rng.choice([1, 2, 3]),
                        num_attention_heads=heads, intermediate_size=rng.choice([8, 12]),
                        max_position_embeddings=rng.choice([16, 24, 64]), hidden_act=rng.choice(ACTIVATIONS))
    weights = {name: uniform(*tensor.shape) for name, tensor in BertModel(config).state_dict().items()
               if tensor.is_floating_point()}
    for name in weights:
        if name.endswith("LayerNorm.weight"):
            weights[name] = 1 + weights[name] / 3
    folder.mkdir(parents=True, exist_ok=True)
    prefix = rng.choice(PREFIXES)
    save_file({prefix + name: tensor for name, tensor in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    settings = {"architectures": ["BertModel"], "model_type": "bert"}
    for key in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
                "max_position_embeddings", "hidden_act", "layer_norm_eps", "type_vocab_size", "pad_token_id"):
        settings[key] = getattr(config, key)
    if gives_layers:
        settings["output_hidden_states"] = True
    write(folder / "config.json", settings)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    tokenizer = {"tokenizer_class": "BertTokenizer", "do_lower_case": rng.random() < 0.7}
    if rng.random() < 0.3:
        tokenizer["strip_accents"] = rng.choice([None, True, False])
    if rng.random() < 0.4:
        tokenizer[rng.choice(["model_max_length", "model_max_length", "max_len"])] = rng.choice([6, 10, 12, 512, int(1e30)])
    write(folder / "tokenizer_config.json", tokenizer)
    return config


def sentence_config(folder, rng, config):
    if rng.random() < 0.2:
        return
    settings = {}
    if rng.random() < 0.7:
        settings["max_seq_length"] = rng.choice([None, 5, 8, 12, config.max_position_embeddings])
    if rng.random() < 0.6:
        settings["do_lower_case"] = rng.random() < 0.5
    if rng.random() < 0.2:
        settings["transformer_task"] = "feature-extraction"
        settings["modality_config"] = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
        settings["module_output_name"] = "token_embeddings"
    if rng.random() < 0.1:
        settings["tokenizer_args"] = {"model_max_length": 7}
    write(folder / rng.choice(["sentence_bert_config.json"] * 3 + ["sentence_roberta_config.json"]), settings)


def pooling(folder, rng, width):
    modes = rng.sample(list(MODES), rng.choice([1, 1, 1, 2, 3]))
    settings = {rng.choice(["word_embedding_dimension", "embedding_dimension"]): width}
    if rng.random() < 0.6:
        settings.update({key: key in modes for key in MODES})
    else:
        names = [MODES[mode] for mode in modes]
        settings["pooling_mode"] = names[0] if len(names) == 1 and rng.random() < 0.5 else names
    if rng.random() < 0.5:
        settings["include_prompt"] = rng.random() < 0.5
    write(folder / "config.json", settings)
    return width * len(modes)


def dense(folder, rng, width):
    out = rng.choice([3, 5, width])
    bias, residual = rng.random() < 0.7, rng.random() < 0.25
    settings = {"in_features": width, "out_features": out, "bias": bias}
    if rng.random() < 0.9:
        settings["activation_function"] = "torch.nn.modules." + rng.choice(DENSE)
    weights = {"linear.weight": uniform(out, width)}
    if bias:
        weights["linear.bias"] = uniform(out)
    if residual:
        settings["use_residual"] = True
        if out != width:
            weights["residual.weight"] = uniform(out, width)
    write(folder / "config.json", settings)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return out


def layer_norm(folder, rng, width):
    write(folder / "config.json", {"dimension": width})
    save_file({"norm.weight": 1 + uniform(width) / 3, "norm.bias": uniform(width)}, folder / "model.safetensors")
    return width


def normalize(folder, rng, width):
    if rng.random() < 0.2:
        write(folder / "config.json", {"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"})
    return width


def dropout(folder, rng, width):
    write(folder / "config.json", {"dropout": 0.2})
    return width


def make(folder, seed):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    old = rng.random() < 0.5
    path = rng.choice(["", "", "0_Transformer", "encoder/of the model"])
    weighs_layers = rng.random() < 0.25
    config = encoder(folder / path, rng, weighs_layers and rng.random() < 0.8)
    sentence_config(folder / path, rng, config)
    modules = [("Transformer", path)]
    if weighs_layers:
        start = rng.randrange(config.num_hidden_layers + 1)
        name = f"{len(modules)}_WeightedLayerPooling"
        write(folder / name / "config.json", {
            "word_embedding_dimension": config.hidden_size, "layer_start": start,
            "num_hidden_layers": config.num_hidden_layers})
        save_file({"layer_weights": torch.rand(config.num_hidden_layers + 1 - start) + 0.1},
                  folder / name / "model.safetensors")
        modules.append(("WeightedLayerPooling", name))
    width = config.hidden_size
    if rng.random() < 0.1:
        name = f"{len(modules)}_Dense"
        width = dense(folder / name, rng, width)
        settings = json.loads((folder / name / "config.json").read_text())
        write(folder / name / "config.json", settings | {"module_input_name": "token_embeddings"})
        modules.append(("Dense", name))
    width = pooling(folder / f"{len(modules)}_Pooling", rng, width)
    modules.append(("Pooling", f"{len(modules)}_Pooling"))
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        kind, add = rng.choice([("Dense", dense), ("Dense", dense), ("LayerNorm", layer_norm), ("Normalize", normalize),
                                ("Dropout", dropout)])
        name = f"{len(modules)}_{kind}"
        width = add(folder / name, rng, width)
        modules.append((kind, name))
    base = {"Transformer", "Dense", "Normalize"}
    write(folder / "modules.json", [
        {"idx": index, "name": str(index), "path": name,
         "type": f"sentence_transformers.models.{kind}" if old
         else f"sentence_transformers.{'base' if kind in base else 'sentence_transformer'}.modules.{kind}"}
        for index, (kind, name) in enumerate(modules)])
    arguments = {}
    if rng.random() < 0.6:
        settings = {"__version__": {"sentence_transformers": "3.0.0"}}
        if rng.random() < 0.7:
            settings["prompts"] = {"query": "query: ", "passage": "Passage the film: ", "none": ""}
            if rng.random() < 0.4:
                settings["default_prompt_name"] = rng.choice(["query", "passage"])
            elif rng.random() < 0.5:
                arguments["prompt_name"] = rng.choice(["query", "passage", "none"])
        if rng.random() < 0.3:
            settings["truncate_dim"] = rng.choice([2, 4, 100])
        if rng.random() < 0.5:
            settings["similarity_fn_name"] = rng.choice(["cosine", "dot", None])
        write(folder / "config_sentence_transformers.json", settings)
    if rng.random() < 0.15:
        arguments = {"prompt": "the fine text of "}
    if rng.random() < 0.15:
        arguments["normalize_embeddings"] = True
    expected = {"texts": TEXTS, **arguments}
    try:
        vectors = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, show_progress_bar=False, **arguments)
        # Nine digits give the same float32 back.
        expected["vectors"] = [[float(f"{x:.9g}") for x in vector] for vector in vectors]
    except Exception as error:
        expected["error"] = f"{type(error).__name__}: {error}"
    write(folder / "expected.json", expected)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        target, count = Path(sys.argv[1]), int(sys.argv[2])
        seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
        for index in range(count):
            make(target / str(index), seed + index)
    else:
        for index, seed in enumerate(FIXTURES):
            make(HERE / f"small-{index}", seed)

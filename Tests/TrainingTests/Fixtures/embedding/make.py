#!/usr/bin/env python3
"""Makes the fixtures of EmbeddingLossTests with sentence-transformers.

usage: make.py          Needs: pip install sentence-transformers

Writes beside this script:

  model/         a random tiny BERT as a sentence-transformers directory: Transformer, Pooling (mean), Dense (tanh)
  data.jsonl     64 examples with several texts, a score, a label, margins, and a vector
  losses.json    for each loss its fields of train.json and the losses of 50 steps

A step has 8 examples: step s has rows 8 s to 8 s + 7, counted round. Everything is computed in double precision: single
precision differs by rounding alone. Dropout is 0. The optimiser is HF's recipe: AdamW (0.9, 0.999, eps 1e-8), decoupled
decay 0.01 but none on biases and LayerNorm, gradients clipped to the global norm 1, and a learning rate of
1e-3 (s + 1) / 5 for the 0-based step s < 5, then 1e-3 (50 - s) / 45.
"""

import json
import os
import random
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses
from transformers import BertConfig, BertModel

HERE = Path(__file__).resolve().parent
WORDS = ("the a old new red small large house river road tree stone bird horse child king queen sees finds loves leaves "
         "builds near under behind with without and never always quickly slowly").split()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS
STEPS, WARMUP, BATCH, RATE, WIDTH = 50, 5, 8, 1e-3, 12


def write(path, value, indent=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=indent) + "\n")


def make_model(folder):
    config = BertConfig(vocab_size=len(VOCABULARY), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=24, max_position_embeddings=32)
    weights = {name: torch.randn_like(tensor) * (0.1 if "LayerNorm" in name or "bias" in name else 0.3)
               + (1 if name.endswith("LayerNorm.weight") else 0)
               for name, tensor in BertModel(config, add_pooling_layer=False).state_dict().items()
               if tensor.is_floating_point()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    write(folder / "config.json", {
        "architectures": ["BertModel"], "model_type": "bert", "vocab_size": len(VOCABULARY), "hidden_size": 16,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "max_position_embeddings": 32,
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0})
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    write(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True})
    write(folder / "sentence_bert_config.json", {"max_seq_length": 24, "do_lower_case": False})
    write(folder / "1_Pooling/config.json", {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True})
    write(folder / "2_Dense/config.json", {
        "in_features": 16, "out_features": WIDTH, "bias": True,
        "activation_function": "torch.nn.modules.activation.Tanh"})
    save_file({"linear.weight": torch.randn(WIDTH, 16) * 0.3, "linear.bias": torch.randn(WIDTH) * 0.1},
              folder / "2_Dense/model.safetensors", {"format": "pt"})
    write(folder / "modules.json", [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")])])
    write(folder / "config_sentence_transformers.json", {
        "prompts": {"query": "find ", "document": ""}, "default_prompt_name": None, "similarity_fn_name": "cosine"})


def make_data(path, rng):
    def text():
        return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(3, 11)))
    rows = []
    for index in range(64):
        scores = [round(rng.uniform(0, 4), 3) for _ in range(3)]
        rows.append({
            "anchor": text(), "positive": text(), "negative_1": text(), "negative_2": text(),
            "score": round(rng.random(), 3), "label": rng.randrange(2), "margin": round(rng.uniform(-1, 2), 3),
            "scores": scores, "vector": [round(rng.uniform(-1, 1), 3) for _ in range(WIDTH)]})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def cases():
    """Name, fields of train.json beside those of the data, columns, the column of numbers, and the loss of a model."""
    pair, triplet, all_ = ["anchor", "positive"], ["anchor", "positive", "negative_1"], [
        "anchor", "positive", "negative_1", "negative_2"]
    symmetric = dict(directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction")
    distance = losses.SiameseDistanceMetric
    triplets = losses.TripletDistanceMetric
    mnrl = losses.MultipleNegativesRankingLoss
    return [
        ("MultipleNegativesRankingLoss", {}, pair, None, lambda m: mnrl(m)),
        ("MultipleNegativesRankingLoss", {"scale": 15}, all_, None, lambda m: mnrl(m, scale=15)),
        ("MultipleNegativesRankingLoss", {"symmetric": True}, triplet, None, lambda m: mnrl(m, **symmetric)),
        ("CoSENTLoss", {}, pair, "score", lambda m: losses.CoSENTLoss(m)),
        ("CosineSimilarityLoss", {}, pair, "score", lambda m: losses.CosineSimilarityLoss(m)),
        ("ContrastiveLoss", {}, pair, "label", lambda m: losses.ContrastiveLoss(m)),
        ("ContrastiveLoss", {"distanceMetric": "euclidean", "margin": 1.5}, pair, "label",
         lambda m: losses.ContrastiveLoss(m, distance_metric=distance.EUCLIDEAN, margin=1.5)),
        ("OnlineContrastiveLoss", {}, pair, "label", lambda m: losses.OnlineContrastiveLoss(m)),
        ("OnlineContrastiveLoss", {"distanceMetric": "manhattan", "margin": 4}, pair, "label",
         lambda m: losses.OnlineContrastiveLoss(m, distance_metric=distance.MANHATTAN, margin=4)),
        ("TripletLoss", {}, triplet, None, lambda m: losses.TripletLoss(m)),
        ("TripletLoss", {"distanceMetric": "cosine", "margin": 0.5}, triplet, None,
         lambda m: losses.TripletLoss(m, distance_metric=triplets.COSINE, triplet_margin=0.5)),
        ("MarginMSELoss", {}, triplet, "margin", lambda m: losses.MarginMSELoss(m)),
        ("MarginMSELoss", {}, all_, "scores", lambda m: losses.MarginMSELoss(m)),
        ("MSELoss", {}, pair, "vector", lambda m: losses.MSELoss(m)),
        ("MultipleNegativesRankingLoss", {"matryoshkaDims": [12, 6, 3], "matryoshkaWeights": [1, 0.5, 0.25]}, triplet, None,
         lambda m: losses.MatryoshkaLoss(m, mnrl(m), [12, 6, 3], [1, 0.5, 0.25])),
        ("CoSENTLoss", {"matryoshkaDims": [4, 12]}, pair, "score",
         lambda m: losses.MatryoshkaLoss(m, losses.CoSENTLoss(m), [4, 12])),
    ]


def curve(rows, columns, numbers, make_loss):
    model = SentenceTransformer(str(HERE / "model"), device="cpu").double()
    model.train()
    loss_of = make_loss(model)
    no_decay = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    decay = [p for n, p in model.named_parameters() if not (n.endswith("bias") or "LayerNorm" in n)]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": no_decay, "weight_decay": 0.0}],
                                  lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    values = []
    for step in range(STEPS):
        rate = RATE * (step + 1) / WARMUP if step < WARMUP else RATE * (STEPS - step) / (STEPS - WARMUP)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = [rows[(step * BATCH + i) % len(rows)] for i in range(BATCH)]
        features = [model.preprocess([row[column] for row in batch]) for column in columns]
        labels = torch.tensor([row[numbers] for row in batch], dtype=torch.float64) if numbers else None
        if numbers == "label":
            labels = labels.long()
        loss = loss_of(features, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        values.append(float(f"{loss.item():.10g}"))
    return values


if __name__ == "__main__":
    torch.manual_seed(7)
    make_model(HERE / "model")
    examples = make_data(HERE / "data.jsonl", random.Random(7))
    results = []
    for name, fields, columns, numbers, make_loss in cases():
        fields = {"loss": name, "textColumns": columns, **fields}
        if numbers:
            fields["labelColumn"] = numbers
        results.append({"fields": fields, "losses": curve(examples, columns, numbers, make_loss)})
        print(name, fields, results[-1]["losses"][0], results[-1]["losses"][-1])
    write(HERE / "losses.json", results, indent=None)

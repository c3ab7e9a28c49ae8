#!/usr/bin/env python3
"""Makes similarity.json: random vectors with the figures of sentence-transformers' evaluators.

usage: make_similarity.py       Needs: pip install sentence-transformers

`retrieval`: vectors of queries and documents, the relevant documents of each query, and the figures of
InformationRetrievalEvaluator. `triplets`: vectors and TripletEvaluator's accuracy. `pairs`: vectors, scores, and
EmbeddingSimilarityEvaluator's correlations.
"""

import json
import random
from pathlib import Path

import numpy as np
from sentence_transformers.sentence_transformer.evaluation import (
    EmbeddingSimilarityEvaluator, InformationRetrievalEvaluator, TripletEvaluator)
from sentence_transformers.util import cos_sim

HERE = Path(__file__).resolve().parent
WIDTH = 6


class Vectors:
    """A model that gives each text, a number, its vector."""

    similarity_fn_name = "cosine"
    similarity = staticmethod(cos_sim)
    model_card_data = type("Card", (), {"set_evaluation_metrics": lambda *a, **k: None})()

    def __init__(self, vectors):
        self.vectors = vectors

    def encode(self, texts, **_):
        import torch
        rows = np.array([self.vectors[int(text)] for text in texts], dtype=np.float32)
        return torch.tensor(rows) if _.get("convert_to_tensor") else rows

    encode_query = encode_document = encode


def rounded(values):
    return [[round(float(x), 3) for x in row] for row in values]


if __name__ == "__main__":
    rng, numbers = random.Random(3), np.random.default_rng(3)
    vectors = rounded(numbers.normal(size=(172, WIDTH)))
    # Documents with equal vectors: the lower identifier comes first.
    vectors[40] = vectors[41] = vectors[42]
    queries, documents = list(range(12)), list(range(12, 172))
    relevant = {q: sorted(rng.sample(documents, rng.choice([1, 1, 2, 5, 14]))) for q in queries}
    model = Vectors(vectors)
    evaluator = InformationRetrievalEvaluator(
        {str(q): str(q) for q in queries}, {str(d): str(d) for d in documents},
        {str(q): {str(d) for d in relevant[q]} for q in queries}, precision_recall_at_k=[1, 10, 100], write_csv=False)
    found = evaluator(model)
    names = ["ndcg@10", "mrr@10", "map@100", "recall@1", "recall@10", "recall@100"]
    result = {"vectors": vectors, "retrieval": {
        "queries": queries, "documents": documents, "relevant": [relevant[q] for q in queries],
        "metrics": {name: float(found[f"cosine_{name}"]) for name in names}}}
    triplets = [[str(i) for i in rng.sample(range(172), 3)] for _ in range(40)]
    accuracy = TripletEvaluator(*zip(*triplets), write_csv=False)(model)["cosine_accuracy"]
    result["triplets"] = {"rows": [[int(i) for i in row] for row in triplets], "cosine_accuracy": float(accuracy)}
    pairs = [[str(i) for i in rng.sample(range(172), 2)] for _ in range(40)]
    scores = [round(rng.random() * 5, 1) for _ in pairs]
    similar = EmbeddingSimilarityEvaluator(*zip(*pairs), scores, write_csv=False)(model)
    result["pairs"] = {"rows": [[int(i) for i in row] for row in pairs], "scores": scores,
                       "pearson": float(similar["pearson_cosine"]), "spearman": float(similar["spearman_cosine"])}
    (HERE / "similarity.json").write_text(json.dumps(result) + "\n")
    print({k: v for k, v in result["retrieval"]["metrics"].items()}, accuracy, similar)

"""Unmodified clients from PyPI against a running `bertc serve`.

    pip install openai huggingface-hub cohere numpy
    bertc serve EMBEDDING_MODEL CLASSIFIER RERANKER --port 8080
    python clients.py http://127.0.0.1:8080
"""

import sys

import cohere
import numpy
from huggingface_hub import InferenceClient
from openai import APIStatusError, OpenAI

base = sys.argv[1]
openai = OpenAI(base_url=base + "/v1", api_key="none")
embedding, classifier, reranker = [model.id for model in openai.models.list().data]

texts = ["A fine film.", "Two hours."]
packed = openai.embeddings.create(model=embedding, input=texts).data  # base64
plain = openai.embeddings.create(model=embedding, input=texts, encoding_format="float").data
for one, other in zip(packed, plain):
    assert numpy.array_equal(numpy.float32(one.embedding), numpy.float32(other.embedding))
short = openai.embeddings.create(model=embedding, input=texts, dimensions=4).data
assert len(short[0].embedding) == 4
try:
    openai.embeddings.create(model=embedding, input=[])
    raise AssertionError("no input was accepted")
except APIStatusError as error:
    assert error.status_code == 400

hub = InferenceClient(model=base)
vector = hub.feature_extraction(texts[0])
assert numpy.array_equal(vector[0], numpy.float32(plain[0].embedding))
assert len(hub.sentence_similarity(texts[0], other_sentences=texts)) == 2
answer = InferenceClient(model=f"{base}/models/{classifier}").text_classification(texts[0])
best = answer[0] if isinstance(answer, list) else answer
assert best.label and 0 < best.score <= 1

ranked = cohere.ClientV2(api_key="none", base_url=base).rerank(
    model=reranker, query="a film", documents=texts, top_n=1)
assert len(ranked.results) == 1
print("all calls work")

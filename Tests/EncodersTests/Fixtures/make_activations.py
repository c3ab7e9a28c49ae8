#!/usr/bin/env python3
"""Writes activations.json: what Transformers' ACT2FN and torch.nn give at some numbers.

Needs: pip install torch transformers.
"""

import json
from pathlib import Path

import torch
from transformers.activations import ACT2FN

POINTS = [-30, -11, -6.5, -4, -3, -2.5, -1, -0.6, -0.5, -0.3, -1e-3, 0, 1e-3, 0.4, 0.5, 0.7, 1, 2.5, 3, 5.5, 6, 7, 11, 30]
CLASSES = ("Identity Tanh ReLU GELU Sigmoid SiLU Mish ReLU6 LeakyReLU ELU CELU SELU Softplus Softsign LogSigmoid "
           "Tanhshrink Softshrink Hardshrink Hardtanh Hardsigmoid Hardswish").split()
# These have parameters of their own.
TRAINED = {"prelu", "xielu"}

x = torch.tensor(POINTS)
functions = {name: ACT2FN[name] for name in ACT2FN if name not in TRAINED}
functions |= {name: getattr(torch.nn, name)() for name in CLASSES}
table = {name: [float(f"{y:.9g}") for y in function(x)] for name, function in functions.items()}
lines = [f'  "{name}": {values}' for name, values in ({"x": POINTS} | table).items()]
Path(__file__).with_name("activations.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")

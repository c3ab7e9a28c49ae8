"""Writes the cases of ONNX's backend test suite as files: DIRECTORY/NAME/model.onnx, arrays, case.json.

Usage: python make_cases.py DIRECTORY [KIND …]     (needs the package onnx; kinds are node, simple, pytorch-operator, …)
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

PLAIN = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}
SMALL = {"int4": np.int8, "int2": np.int8, "uint4": np.uint8, "uint2": np.uint8}


def array(value):
    """The value as an array that a .npy file can hold; None for what is no tensor of numbers."""
    if isinstance(value, onnx.TensorProto):
        value = numpy_helper.to_array(value)
    if isinstance(value, (list, tuple, dict)) or value is None:
        return None
    value = np.asarray(value)
    if value.dtype.str[1:] in PLAIN:
        return np.array(value, order="C")
    name = value.dtype.name
    if value.dtype.kind in "OUSc":
        return None
    return np.array(value.astype(SMALL.get(name, np.float32)), order="C")


def datasets(case):
    """Pairs of inputs and outputs: made by the loader, or files of the package."""
    if case.data_sets:
        return case.data_sets
    result = []
    for folder in sorted(pathlib.Path(case.model_dir).glob("test_data_set*")):
        def read(kind):
            tensors = []
            for index in range(len(list(folder.glob(f"{kind}_*.pb")))):
                tensor = onnx.TensorProto()
                tensor.ParseFromString((folder / f"{kind}_{index}.pb").read_bytes())
                tensors.append(tensor)
            return tensors
        result.append((read("input"), read("output")))
    return result


def main():
    warnings.simplefilter("ignore")
    root = pathlib.Path(sys.argv[1])
    for kind in sys.argv[2:] or ["node"]:
        for case in load_model_tests(kind=kind):
            model = case.model or onnx.load(pathlib.Path(case.model_dir) / "model.onnx")
            sets = datasets(case)
            if not sets:
                continue
            folder = root / case.name
            folder.mkdir(parents=True, exist_ok=True)
            onnx.save(model, folder / "model.onnx")
            initialized = {tensor.name for tensor in model.graph.initializer}
            inputs = [value.name for value in model.graph.input]
            given = sets[0][0]
            if len(given) < len(inputs):
                inputs = [name for name in inputs if name not in initialized]
            description = {"rtol": case.rtol, "atol": case.atol, "inputs": {}, "outputs": {}}
            for key, names, values in [("inputs", inputs, given), ("outputs", [v.name for v in model.graph.output], sets[0][1])]:
                for index, (name, value) in enumerate(zip(names, values)):
                    value = array(value)
                    description[key][name] = None
                    if value is not None:
                        file = f"{key[:-1]}_{index}.npy"
                        np.save(folder / file, value)
                        description[key][name] = file
            (folder / "case.json").write_text(json.dumps(description))


main()

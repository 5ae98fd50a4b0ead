# SPDX-License-Identifier: Apache-2.0
"""Models so small that a test makes them: folders that fastembed runs like any other.

Words are numbers of a small vocabulary. The embedder knows one vector per word. The cross-encoder
counts the words that question and passage share, so whoever reads its scores can check them.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

WORDS = ("cat", "dog", "key", "vault", "moon", "sun", "query", ":", "passage", "search")
MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
VOCABULARY = {word: number for number, word in enumerate((*MARKS, *WORDS))}
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OPSET = 17


def embedder(folder: Path, dimension: int = 8, longest: int = 16, **prompts: str) -> Path:
    """Make a folder with an embedder that reads so many tokens, two of them marks."""
    _tokenizer(folder, longest)
    _write(folder, "config.json", {"hidden_size": dimension, "model_type": "bert"})
    _write(
        folder,
        "modules.json",
        [{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}],
    )
    _write(folder, "1_Pooling/config.json", {"word_embedding_dimension": dimension})
    _write(folder, "sentence_bert_config.json", {"max_seq_length": longest})
    if prompts:
        _write(folder, "config_sentence_transformers.json", {"prompts": prompts})
    table = np.random.default_rng(dimension).normal(size=(len(VOCABULARY), dimension))
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
    _save(folder, nodes, {"table": table.astype(np.float32)}, ["batch", "length", dimension])
    return folder


def cross_encoder(folder: Path, longest: int = 512) -> Path:
    """Make a folder with a cross-encoder: the score is the number of pairs of equal words."""
    _tokenizer(folder, longest)
    _write(folder, "config.json", {"model_type": "bert"})
    counts = np.ones(len(VOCABULARY), np.float32)
    counts[: len(MARKS)] = 0
    numbers = {
        "depth": np.array(len(VOCABULARY)),
        "off_on": np.array([0, 1], np.float32),
        "one": np.array(1, np.float32),
        "last": np.array([2]),
        "middle": np.array([1]),
        "counts": counts,
    }
    node = helper.make_node
    nodes = [
        node("OneHot", ["input_ids", "depth", "off_on"], ["words"], axis=-1),
        node("Cast", ["token_type_ids"], ["second"], to=TensorProto.FLOAT),
        node("Sub", ["one", "second"], ["first"]),
        *(
            each
            for side in ("first", "second")
            for each in (
                node("Unsqueeze", [side, "last"], [f"{side}_wide"]),
                node("Mul", ["words", f"{side}_wide"], [f"{side}_words"]),
                node("ReduceSum", [f"{side}_words", "middle"], [f"{side}_sum"], keepdims=0),
            )
        ),
        node("Mul", ["first_sum", "second_sum"], ["pairs"]),
        node("Mul", ["pairs", "counts"], ["counted"]),
        node("ReduceSum", ["counted", "middle"], ["logits"], keepdims=1),
    ]
    _save(folder, nodes, numbers, ["batch", 1])
    return folder


def _tokenizer(folder: Path, longest: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(WordLevel(dict(VOCABULARY), unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(mark, VOCABULARY[mark]) for mark in ("[CLS]", "[SEP]")],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(folder, "tokenizer_config.json", {"model_max_length": longest, "pad_token": "[PAD]"})
    _write(folder, "special_tokens_map.json", {"pad_token": "[PAD]", "unk_token": "[UNK]"})


def _write(folder: Path, name: str, content: object) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def _save(
    folder: Path,
    nodes: list[onnx.NodeProto],
    numbers: dict[str, np.ndarray],
    shape: list[str | int],
) -> None:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in INPUTS
    ]
    result = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, shape)
    weights = [numpy_helper.from_array(value, name) for name, value in numbers.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, [result], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 9
    (folder / "onnx").mkdir(exist_ok=True)
    onnx.save(model, str(folder / "onnx" / "model.onnx"))

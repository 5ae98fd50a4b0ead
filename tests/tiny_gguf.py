# SPDX-License-Identifier: Apache-2.0
"""A language model so small that a test makes it, in the format of llama.cpp (GGUF, version 3).

Each token is a direction of its own; attention and the step after it add nothing, so the last
layer sees the last token alone and leads to the one after it in `SAYS`: what the model says is
known beforehand, whatever it is asked. Format: ggml's docs/gguf.md.
"""

import struct
from pathlib import Path

import numpy as np

SAYS = ("▁moon", "▁sun", "▁cat", "▁dog")
TEXT = " moon sun cat dog"
CONTEXT = 256
MARKS = ("<unk>", "<s>", "</s>")
BYTES = tuple(f"<0x{number:02X}>" for number in range(256))
TOKENS = (*MARKS, *BYTES, *SAYS)
UNKNOWN, BEGIN, END = range(3)
WIDTH, HEADS = 320, 2  # a token has a direction of its own: no fewer than there are tokens
NORMAL, UNKNOWN_TYPE, CONTROL, BYTE = 1, 2, 3, 6  # the kinds of tokens
TYPES = (UNKNOWN_TYPE, CONTROL, CONTROL, *[BYTE] * len(BYTES), *[NORMAL] * len(SAYS))
ALIGNMENT = 32
U32, I32, F32, TEXT_TYPE, ARRAY = 4, 5, 6, 8, 9
PLAIN = "{% for message in messages %}{{ message.content }}{% endfor %}"


def write(path: Path) -> Path:
    """Write the model to *path*; return it."""
    fields, tensors = _fields(), _tensors()
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields))
    head += b"".join(_text(name) + value for name, value in fields.items())
    data = b""
    for name, value in tensors.items():
        shape = value.shape[::-1]
        head += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        data += _padded(value.astype("<f4").tobytes())
    path.write_bytes(_padded(head) + data)
    return path


def _fields() -> dict[str, bytes]:
    counts = {
        "context_length": CONTEXT,
        "embedding_length": WIDTH,
        "block_count": 1,
        "feed_forward_length": 32,
        "attention.head_count": HEADS,
        "attention.head_count_kv": HEADS,
        "rope.dimension_count": WIDTH // HEADS,
        "vocab_size": len(TOKENS),
    }
    marks = {"bos": BEGIN, "eos": END, "unknown": UNKNOWN}
    texts = [_text(each) for each in TOKENS]
    scores = [struct.pack("<f", 0.0) for _ in TOKENS]
    types = [struct.pack("<i", each) for each in TYPES]
    return {
        "general.architecture": _value(TEXT_TYPE, _text("llama")),
        "general.name": _value(TEXT_TYPE, _text("tiny")),
        **{f"llama.{name}": _value(U32, struct.pack("<I", n)) for name, n in counts.items()},
        "llama.attention.layer_norm_rms_epsilon": _value(F32, struct.pack("<f", 1e-5)),
        "tokenizer.ggml.model": _value(TEXT_TYPE, _text("llama")),
        "tokenizer.ggml.tokens": _array(TEXT_TYPE, texts),
        "tokenizer.ggml.scores": _array(F32, scores),
        "tokenizer.ggml.token_type": _array(I32, types),
        **{
            f"tokenizer.ggml.{name}_token_id": _value(U32, struct.pack("<I", number))
            for name, number in marks.items()
        },
        "tokenizer.chat_template": _value(TEXT_TYPE, _text(PLAIN)),
    }


def _tensors() -> dict[str, np.ndarray]:
    count = len(TOKENS)
    embedding = np.eye(count, WIDTH)
    after = np.zeros((count, WIDTH))
    words = [TOKENS.index(word) for word in SAYS]
    following = dict(zip(words, [*words[1:], END], strict=True))
    for token in range(count):
        after[following.get(token, words[0]), token] = 1.0
    square, wide, ones = np.zeros((WIDTH, WIDTH)), np.zeros((32, WIDTH)), np.ones(WIDTH)
    block = {
        "attn_norm": ones,
        **{f"attn_{part}": square for part in ("q", "k", "v", "output")},
        "ffn_norm": ones,
        "ffn_gate": wide,
        "ffn_up": wide,
        "ffn_down": wide.T,
    }
    return {
        "token_embd.weight": embedding,
        "output_norm.weight": ones,
        "output.weight": after,
        **{f"blk.0.{name}.weight": value for name, value in block.items()},
    }


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind: int, data: bytes) -> bytes:
    return struct.pack("<I", kind) + data


def _array(kind: int, values: list[bytes]) -> bytes:
    return struct.pack("<IIQ", ARRAY, kind, len(values)) + b"".join(values)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % ALIGNMENT)

# SPDX-License-Identifier: Apache-2.0
"""What GGUF files call their quantisations and sizes.

The numbers are those of `llama_ftype`:
https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h
"""

import re

QUANTIZATIONS = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
}
SCALES = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_LABEL = re.compile(r"(?:(\d{1,4})x)?(\d{1,6}(?:\.\d{1,4})?)([KMBT])", re.IGNORECASE)


def label_count(label: str) -> int | None:
    """Return how many parameters a label such as `8B`, `137M` or `8x7B` means, if any."""
    fits = _LABEL.match(label)
    if fits is None:
        return None
    times, count, scale = fits.groups()
    return round(int(times or 1) * float(count) * SCALES[scale.upper()]) or None

# SPDX-License-Identifier: Apache-2.0
"""What the codes of NVML mean: which trouble each is, and in words.

The codes and what they stand for are those of `nvmlReturn_t` in the NVML API Reference.
"""

from .model import Kind

LOST, CUT_OFF, MISMATCH = 15, 17, 18
NOT_FOUND = 28  # which is no trouble where none is plugged in

CODES: dict[int, tuple[Kind, str]] = {
    1: ("failed", "the library was not prepared"),
    2: ("failed", "the library refuses an argument"),
    3: ("failed", "the device does not support being asked"),
    4: ("failed", "this user may not ask the driver"),
    5: ("failed", "the library was prepared twice"),
    6: ("failed", "the device was not found"),
    7: ("failed", "the answer is larger than was said"),
    8: ("failed", "a cable for power is not attached to the GPU"),
    9: ("driver", "the driver is not loaded"),
    10: ("hangs", "the driver gave up waiting"),
    11: ("failed", "the kernel has a problem with the interrupts of the GPU"),
    12: ("failed", "a library of the driver is missing"),
    13: ("failed", "the driver is too old for a call"),
    14: ("failed", "the infoROM of the GPU is damaged"),
    LOST: ("lost", "the GPU has fallen off the bus"),
    16: ("lost", "the GPU must be reset before it can be used"),
    CUT_OFF: ("cut-off", "the system blocks the device of the GPU"),
    MISMATCH: ("mismatch", "the library and the kernel have drivers of different versions"),
    19: ("failed", "the GPU is in use"),
    20: ("failed", "the driver has no memory left"),
    21: ("failed", "the driver has no data"),
    22: ("failed", "the GPU does not do that with its memory checked"),
    23: ("failed", "the driver has no resources left"),
    24: ("failed", "the GPU does not support that frequency"),
    25: ("failed", "the driver does not know this version of a call"),
    26: ("failed", "the driver no longer does that"),
    27: ("failed", "the GPU is not ready"),
    NOT_FOUND: ("lost", "the driver finds no GPU"),
    29: ("failed", "the driver is in a state that does not allow it"),
    30: ("failed", "the GPU cannot be reset in this way"),
    999: ("failed", "an error that the driver does not know itself"),
}


def meaning(code: int) -> tuple[Kind, str]:
    """Return which trouble *code* is, and in words; it may be newer than what is known here."""
    return CODES.get(code, ("failed", "an error that is not known here"))

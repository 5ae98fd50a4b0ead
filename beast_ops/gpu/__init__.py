# SPDX-License-Identifier: Apache-2.0
"""What the drivers of GPUs say, held against what a model server claims of them.

`read` asks the drivers, `judge` compares, `speeds` knows how fast models usually answer.
"""

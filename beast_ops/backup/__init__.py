# SPDX-License-Identifier: Apache-2.0
"""Back up an installation into one file, prove that file, and make an installation of it again.

`plan` says what to keep, a strategy each says how (`strategies/`), `archive` is the file,
`make` and `restore` act. `drill` does to a throwaway copy what a restore does to the real one.
"""

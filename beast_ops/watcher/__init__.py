# SPDX-License-Identifier: Apache-2.0
"""The stack's own watcher: keeps collections in step with folders of the host."""

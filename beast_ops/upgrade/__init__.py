# SPDX-License-Identifier: Apache-2.0
"""Move an installation to other versions, one proven step after the other, with a way back.

`ladder` says which steps (pure), `verbs` takes them from the controller, and `host` does one of
them: a backup, its data restored beside, the new version on those. Failing leaves images and
data as they were, because nothing ever wrote to the data of before.
"""

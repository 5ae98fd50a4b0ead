# SPDX-License-Identifier: Apache-2.0
"""Keep the processes of the embedded runtime alive, with supervisord.

`values` turns a release into what the template of its configuration needs; `__main__` becomes
supervisord; `control` starts, changes and ends it; `child` is what each process calls first.
"""

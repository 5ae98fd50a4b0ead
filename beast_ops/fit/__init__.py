# SPDX-License-Identifier: Apache-2.0
"""Whether models, their memory of what was said, and the services fit on a host.

`facts` says what a model takes, `known` lists models known without asking, `server` asks the
model server, `host` the machine, `standing` the release in force; `plan` judges, and does
nothing else.
"""

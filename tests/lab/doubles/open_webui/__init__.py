# SPDX-License-Identifier: Apache-2.0
"""Double of Open WebUI: who may sign in, which models there are, a page for everything else.

What it does as the real one does (FACTS 3):

* `/health` answers `{"status": true}` when the process runs, `/health/db` after a query.
* Unknown paths answer 200 with the page of the application, so that only a body proves anything.
* `/api/models` needs a token: 401 without, and the models of Ollama with one. Ollama is shown the
  key that OLLAMA_API_CONFIGS has for the first address; one that refuses is a list without models.
* With ENABLE_OPENAI_API it also lists the models of OPENAI_API_BASE_URLS, asked with the key that
  stands at the same place in OPENAI_API_KEYS, and chats with them there. An address that does not
  answer, or refuses the key, is a list without its models. Without an address it is OpenAI's own.
* WEBUI_ADMIN_EMAIL and WEBUI_ADMIN_PASSWORD count only while there is no user; sign-up is off then.
* WEBUI_SECRET_KEY signs tokens; another key makes all of them worthless. Without one start.sh makes
  a file beside itself; where it cannot, the application refuses to start.
* Settings are kept in the database at the first start; later ones of the environment do not count
  unless ENABLE_PERSISTENT_CONFIG is false. (OLLAMA_BASE_URL, OLLAMA_API_CONFIGS,
  DEFAULT_USER_ROLE, ENABLE_SIGNUP.)
* OFFLINE_MODE on a fresh volume aborts unless RAG_EMBEDDING_ENGINE is ollama.
* With VECTOR_DB=qdrant QDRANT_URI must be given.
* 0.11.2 dies at migration.
* No metrics: `/metrics` is the page, too.

What is left out: chats, files, knowledge, tools, everything a person sees.
"""

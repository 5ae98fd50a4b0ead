# SPDX-License-Identifier: Apache-2.0
"""Double of Ollama: its API and command line, with models that are small files of nonsense.

What it does as the real one does (FACTS 1):

* `GET /` answers "Ollama is running", `/api/version` the version; neither loads a model.
* A pull streams NDJSON: pulling manifest, pulling <digest> with total and completed (absent at
  first), verifying sha256 digest, writing manifest, removing unused layers, success. When it fails
  after the stream began, the code is 200 already and a line `{"error": …}` comes. With
  `stream: false` one document comes, or 500.
* `/api/embed` returns L2-normalised vectors in the order of the input; an unknown model is 404, a
  wrong input 400, too long a text with `truncate: false` 400, and one bad item fails the batch.
* Empty prompts load and unload a model; `/api/ps` tells what is loaded.
* No authentication and no /metrics. A host list of names counts only when bound to loopback.
* Data lies below OLLAMA_MODELS ($HOME/.ollama/models): manifests and blobs `sha256-…`; blobs that
  nothing names are pruned at start unless OLLAMA_NOPRUNE is set.

What tests can make it do: `POST /double/fault` with `{"path": "/api/embed", "status": 503,
"times": 2}` or `{"path": "/api/pull", "line": "max retries exceeded", "after": 2}`; `{"path": …,
"seconds": 3}` makes it slow; `DELETE /double/fault` ends all faults.
"""

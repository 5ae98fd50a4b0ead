# SPDX-License-Identifier: Apache-2.0
"""The Python client of the API, which our own verbs use as well.

```python
from beast_ops.client import Client, Where

with Client(Where("https://ai.example.org", token)) as client:
    for hit in client.search.ask(query="How do I rotate the keys?")["hits"]:
        print(hit["source"], hit["text"])
```
"""

from .asked import Again
from .awaited import AsyncClient
from .sse import Message
from .waiting import Client, connect
from .where import Where, found

__all__ = ["Again", "AsyncClient", "Client", "Message", "Where", "connect", "found"]

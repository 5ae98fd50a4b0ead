// SPDX-License-Identifier: Apache-2.0
// Files for a notebook go one by one, each as it is; the server says what it makes of them.
"use strict";

const files = document.getElementById("files");

files.addEventListener("change", async () => {
  for (const file of [...files.files]) {
    try {
      await call("PUT", `/notebooks/${files.dataset.notebook}/files/${encodeURIComponent(file.name)}`, file);
    } catch (wrong) {
      say(`${file.name}: ${wrong.message}`, "bad");
    }
    htmx.trigger(document.body, "sources");
  }
  files.value = "";
});

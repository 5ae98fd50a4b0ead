// SPDX-License-Identifier: Apache-2.0
// Files dropped on the page go the way of the verbs: a manifest, what is wanted of it, then the job.
"use strict";

const AT_ONCE = 3;
const HOST = "dropped"; // names of sources say where documents came from
const drop = document.getElementById("drop");
const sending = document.getElementById("sending");
const bar = document.getElementById("sending-bar");
const text = document.getElementById("sending-text");

const quoted = (path) => path.split("/").map(encodeURIComponent).join("/");
const sourceOf = (path) => `file://${HOST}/${quoted(path)}`;

/** All files below an entry that was dropped, with the paths they have there. */
async function filesOf(entry, path = "") {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [{ path: path + file.name, file }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return found;
    for (const each of some) found.push(...await filesOf(each, `${path}${entry.name}/`));
  }
}

function show(done, all, words) {
  sending.hidden = false;
  bar.value = all ? done / all : 1;
  text.textContent = words;
}

async function send(documents) {
  if (!documents.length) return;
  const collection = drop.dataset.collection;
  const entries = documents.map(({ path, file }) => ({
    source: sourceOf(path), size: file.size, mtime_ns: file.lastModified * 1000000,
  }));
  show(0, 1, `Looking which of ${documents.length} are new …`);
  const { job, wanted } = await call("POST", "/ingest", { collection, documents: entries });
  const bytes = wanted.reduce((sum, place) => sum + documents[place].file.size, 0);
  let next = 0, sent = 0, failed = 0;
  const one = async () => {
    while (next < wanted.length) {
      const place = wanted[next++];
      const { file, path } = documents[place];
      try {
        await call("PUT", `/ingest/${job}/documents/${place}`, file);
      } catch (wrong) {
        failed += 1;
        say(`${path}: ${wrong.message}`, "bad");
        await call("POST", `/ingest/${job}/documents/${place}/skip`, { reason: wrong.message.slice(0, 900) || "could not be sent" });
      }
      sent += file.size;
      show(sent, bytes, `Sent ${Math.min(next, wanted.length)} of ${wanted.length}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  if (wanted.length) await call("POST", `/ingest/${job}/start`);
  show(1, 1, wanted.length ? `Sent ${wanted.length - failed} of ${documents.length}; the worker reads them now.` : `All ${documents.length} were known already.`);
  htmx.trigger(document.body, "ingestion");
  wait(job);
}

/** The list shows what was read as soon as the job is over. */
async function wait(job) {
  for (;;) {
    const { state } = await call("GET", `/jobs/${job}`);
    if (["done", "failed", "cancelled"].includes(state)) break;
    await new Promise((done) => setTimeout(done, 700));
  }
  htmx.trigger(document.body, "ingestion");
  htmx.trigger(document.querySelector("input[name=match]"), "search");
}

function begin(documents) {
  send(documents).catch((wrong) => { sending.hidden = true; say(wrong.message, "bad"); });
}

for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  begin((await Promise.all(entries.map((entry) => filesOf(entry)))).flat());
});
for (const id of ["files", "folder"]) {
  const input = document.getElementById(id);
  input.addEventListener("change", () => {
    begin([...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
    input.value = "";
  });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-forget],[data-ingest-folder]");
  if (!button) return;
  const { forget, path, ingestFolder } = button.dataset;
  const collection = drop.dataset.collection;
  try {
    if (forget === undefined) {
      const { job } = await call("POST", "/ingest", { collection, folder: ingestFolder });
      say(`Reading ${ingestFolder}.`, "good");
      wait(job);
    } else if (await sure("Forget this document?", `${path} is not found any more. The file itself stays where it is.`, true)) {
      const { job } = await call("POST", "/ingest", { collection, documents: [], gone: [forget] });
      wait(job);
    }
  } catch (wrong) { say(wrong.message, "bad"); }
});

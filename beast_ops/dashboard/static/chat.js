// SPDX-License-Identifier: Apache-2.0
// A conversation: about a collection it lives in this page alone, about a notebook it is kept there.
"use strict";

const HEADLINE = "\n\n**Sources**\n\n"; // as beast_ops/chat/places.py writes it
const talk = document.getElementById("talk");
const form = document.getElementById("ask");
const stop = document.getElementById("stop");
const button = document.getElementById("send");
const notebook = talk?.dataset.notebook;
let turns = [];
let session = null;
let asking = null;

/** Yield the events of a stream, each with its name and what it says. */
async function* events(path, body, signal) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  if (answer.status === 401) leave();
  if (!answer.ok) throw new Error((await answer.json()).error.message);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    const parts = held.split("\n\n");
    held = parts.pop();
    for (const part of parts) {
      const said = (field) => part.split("\n").filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2)).join("\n");
      if (said("data")) yield { name: said("event"), data: said("data") };
    }
  }
}

/** Yield an answer about a collection: what it stands on, its words, and what it cites. */
async function* aboutCollection(text, signal) {
  const messages = [...turns, { role: "user", content: text }];
  const model = document.getElementById("model").value;
  let whole = "", done = false;
  for await (const { data } of events("/v1/chat/completions", { model, messages, stream: true }, signal)) {
    if (data === "[DONE]") { done = true; continue; }
    const part = JSON.parse(data);
    if (part.error) throw new Error(part.error.message);
    if (part.beast?.sources) yield { sources: part.beast.sources, notes: part.beast.notes };
    if (part.beast?.cited) yield { cited: part.beast.cited };
    const words = part.choices?.[0]?.delta?.content || "";
    whole += words;
    if (words) yield { words };
  }
  if (!done) throw new Error("The answer broke off.");
  turns = [...messages, { role: "assistant", content: whole }];
}

/** The same about a notebook, which keeps what was said. */
async function* aboutNotebook(text, signal) {
  session ||= (await call("POST", `/notebooks/${notebook}/sessions`, {})).id;
  for await (const { name, data } of events(`/sessions/${session}/messages`, { text }, signal)) {
    const part = JSON.parse(data);
    if (name === "failed") throw new Error(`${part.error.message}. ${part.error.hint}`);
    if (name === "begun") yield { sources: part.passages, notes: part.notes };
    if (name === "text") yield { words: part.text };
    if (name === "ended") yield { cited: part.cited };
  }
}

function turn(text) {
  const mine = document.createElement("p");
  mine.className = "turn mine";
  mine.textContent = text;
  const theirs = document.getElementById("theirs").content.firstElementChild.cloneNode(true);
  document.getElementById("empty")?.remove();
  talk.append(mine, theirs);
  return theirs;
}

/** The numbers in the answer lead to the passages below it; of those, what is cited is shown. */
function cite(theirs, text, sources, cited) {
  const words = theirs.querySelector(".words");
  const known = sources.filter((each) => cited.includes(each.number));
  words.replaceChildren();
  for (const part of text.split(HEADLINE)[0].split(/(\[\d+\])/)) {
    const number = Number(/^\[(\d+)\]$/.exec(part)?.[1]);
    words.append(known.some((each) => each.number === number) ? link(theirs, part, number) : part);
  }
  const cites = theirs.querySelector(".cites");
  for (const source of known) {
    const item = document.getElementById("cite").content.firstElementChild.cloneNode(true);
    item.querySelector("details").dataset.number = source.number;
    item.querySelector("summary").textContent = `[${source.number}] ${source.title}`;
    item.querySelector("pre").textContent = source.text;
    cites.append(item);
  }
  cites.hidden = !known.length;
}

function link(theirs, text, number) {
  const made = document.createElement("a");
  made.href = "#";
  made.textContent = text;
  made.addEventListener("click", (event) => {
    event.preventDefault();
    const box = theirs.querySelector(`[data-number="${number}"]`);
    box.open = true;
    box.scrollIntoView({ block: "nearest" });
    box.querySelector("summary").focus();
  });
  return made;
}

function end(theirs, notes) {
  theirs.querySelector(".words").classList.remove("caret");
  const line = theirs.querySelector("[data-notes]");
  line.textContent = notes.join(" ");
  line.hidden = !notes.length;
}

async function ask(text) {
  const theirs = turn(text);
  const words = theirs.querySelector(".words");
  asking = new AbortController();
  stop.hidden = false;
  button.hidden = true;
  let got = "", sources = [], cited = [], notes = [];
  try {
    const answer = notebook ? aboutNotebook : aboutCollection;
    for await (const part of answer(text, asking.signal)) {
      if (part.sources) ({ sources, notes } = part);
      if (part.cited) cited = part.cited;
      got += part.words || "";
      words.textContent = got;
      theirs.scrollIntoView({ block: "end" });
    }
    cite(theirs, got, sources, cited);
  } catch (wrong) {
    if (wrong.name === "AbortError") notes = ["Stopped."];
    else {
      const trouble = document.createElement("p");
      trouble.className = "trouble";
      trouble.setAttribute("role", "alert");
      trouble.textContent = wrong.message;
      theirs.append(trouble);
    }
  } finally {
    end(theirs, notes);
    asking = null;
    stop.hidden = true;
    button.hidden = false;
  }
}

/** What was said about the notebook the last time stands here again. */
async function recall() {
  const { sessions } = await call("GET", `/notebooks/${notebook}/sessions?limit=1`);
  if (!sessions.length || asking) return;
  session = sessions[0].id;
  const { messages } = await call("GET", `/sessions/${session}/messages?limit=100`);
  let theirs = null;
  for (const { role, text, state, about } of messages) {
    if (role === "user") theirs = turn(text);
    else if (theirs) {
      cite(theirs, text, about.passages || [], about.cited || []);
      end(theirs, state === "done" ? about.notes || [] : ["This answer broke off."]);
    }
  }
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = form.text.value.trim();
  if (!text || asking) return;
  form.reset();
  ask(text);
});
form?.text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
});
stop?.addEventListener("click", () => asking?.abort());
document.getElementById("afresh")?.addEventListener("click", () => {
  asking?.abort();
  turns = [];
  session = null;
  talk.replaceChildren();
  form.text.focus();
});
if (notebook) recall().catch((wrong) => say(wrong.message, "bad"));

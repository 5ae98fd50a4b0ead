// SPDX-License-Identifier: Apache-2.0
// A conversation lives in this page; every question takes along what was said before.
"use strict";

const talk = document.getElementById("talk");
const form = document.getElementById("ask");
const stop = document.getElementById("stop");
const button = document.getElementById("send");
const HEADLINE = "\n\n**Sources**\n\n"; // as beast_ops/chat/places.py writes it
let said = [];
let asking = null;

/** Yield what a stream of events brings, until it says that it is done. */
async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("The answer broke off.");
    held += value;
    const parts = held.split("\n\n");
    held = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (data === "[DONE]") return;
      if (data) yield JSON.parse(data);
    }
  }
}

function turn(text) {
  const mine = document.createElement("p");
  mine.className = "turn mine";
  mine.textContent = text;
  const theirs = document.getElementById("theirs").content.firstElementChild.cloneNode(true);
  document.getElementById("empty")?.remove();
  talk.append(mine, theirs);
  theirs.scrollIntoView({ block: "end" });
  return theirs;
}

/** The numbers in the answer lead to the passages below it, and those that are cited are shown. */
function cite(theirs, words, text, sources, cited) {
  // The list of sources at its end is for clients that show nothing else; here they follow below.
  const shown = text.split(HEADLINE)[0];
  words.replaceChildren();
  for (const part of shown.split(/(\[\d+\])/)) {
    const number = /^\[(\d+)\]$/.exec(part)?.[1];
    if (number && cited.includes(Number(number))) {
      const link = document.createElement("a");
      link.href = "#";
      link.textContent = part;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        const box = theirs.querySelector(`[data-number="${number}"]`);
        box.open = true;
        box.scrollIntoView({ block: "nearest" });
        box.querySelector("summary").focus();
      });
      words.append(link);
    } else words.append(part);
  }
  const cites = theirs.querySelector(".cites");
  for (const source of sources.filter((each) => cited.includes(each.number))) {
    const item = document.getElementById("cite").content.firstElementChild.cloneNode(true);
    const box = item.querySelector("details");
    box.dataset.number = source.number;
    item.querySelector("summary").textContent = `[${source.number}] ${source.title}`;
    item.querySelector("pre").textContent = source.text;
    cites.append(item);
  }
  cites.hidden = !cites.children.length;
}

async function ask(text) {
  const theirs = turn(text);
  const words = theirs.querySelector(".words");
  const messages = [...said, { role: "user", content: text }];
  asking = new AbortController();
  stop.hidden = false;
  button.hidden = true;
  let got = "", sources = [], cited = [], notes = [];
  try {
    const answer = await fetch("/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: document.getElementById("model").value, messages, stream: true }),
      signal: asking.signal,
    });
    if (answer.status === 401) leave();
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    for await (const part of events(answer)) {
      if (part.error) throw new Error(part.error.message);
      if (part.beast?.sources) ({ sources, notes } = part.beast);
      if (part.beast?.cited) cited = part.beast.cited;
      got += part.choices?.[0]?.delta?.content || "";
      words.textContent = got;
      theirs.scrollIntoView({ block: "end" });
    }
    said = [...messages, { role: "assistant", content: got }];
    cite(theirs, words, got, sources, cited);
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
    words.classList.remove("caret");
    const line = theirs.querySelector("[data-notes]");
    line.textContent = notes.join(" ");
    line.hidden = !notes.length;
    asking = null;
    stop.hidden = true;
    button.hidden = false;
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
  said = [];
  talk.replaceChildren();
  form.text.focus();
});

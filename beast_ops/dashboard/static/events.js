// SPDX-License-Identifier: Apache-2.0
// Each event that is told asks for the list again: the server writes it, as it did the first time.
"use strict";

const QUIET_MS = 300; // many at once are one change of the list
const live = document.getElementById("live");
const source = new EventSource(`/events/stream?names=${encodeURIComponent(live.dataset.names)}`);
let waiting = 0;

function state(text, tone) {
  live.textContent = text;
  live.className = `mark ${tone}`;
}

function news() {
  clearTimeout(waiting);
  waiting = setTimeout(() => htmx.trigger(document.body, "news"), QUIET_MS);
}

for (const name of live.dataset.known.split(" ")) source.addEventListener(name, news);
// The browser comes back by itself, and says what it has seen last.
source.addEventListener("open", () => { state("live", "good"); news(); });
source.addEventListener("error", () => state(source.readyState === EventSource.CLOSED ? "not live" : "comes back", "warn"));
addEventListener("pagehide", () => source.close());

// SPDX-License-Identifier: Apache-2.0
// A code, typed in or brought along behind the #, becomes a session; it never stands in an address
// that is sent anywhere.
"use strict";

const form = document.getElementById("enter");
const refused = document.getElementById("refused");

// Beside this page, wherever it is: the front door shows it under the names of other services.
const home = location.pathname === "/login" ? form.dataset.home : "/";

async function enter(code) {
  refused.hidden = true;
  form.querySelector("button").disabled = true;
  try {
    const answer = await fetch("session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code, to: new URLSearchParams(location.search).get("to") || home }),
    });
    const told = await answer.json();
    if (answer.ok) {
      location.assign(told.to);
      return;
    }
    refused.textContent = `${told.error.message}. ${told.error.hint}`;
  } catch {
    refused.textContent = "The server does not answer. Is it running? See: ./beast status";
  }
  refused.hidden = false;
  form.querySelector("button").disabled = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  enter(form.code.value.trim());
});

const brought = location.hash.slice(1);
if (brought) {
  history.replaceState(null, "", location.pathname + location.search);
  form.code.value = brought;
  enter(brought);
}

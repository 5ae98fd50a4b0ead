// SPDX-License-Identifier: Apache-2.0
// What the pages cannot do by themselves: say what happened, ask before it does, choose a theme.
"use strict";

const said = document.getElementById("said");

function say(text, tone = "off") {
  const line = document.createElement("div");
  line.className = tone;
  line.textContent = text;
  said.append(line);
  setTimeout(() => line.remove(), 8000);
}

/** Send JSON to our own API; the error's sentence becomes the exception's. */
async function call(method, path, body) {
  const raw = body instanceof Blob;
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "content-type": raw ? "application/octet-stream" : "application/json" },
    body: body === undefined || raw ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  let told = null;
  try { told = text ? JSON.parse(text) : null; } catch { /* not ours */ }
  if (answer.status === 401) leave();
  if (!answer.ok) throw new Error(told?.error ? `${told.error.message}. ${told.error.hint}` : `The server answered ${answer.status}.`);
  return told;
}

function leave() {
  location.assign(`/login?to=${encodeURIComponent(location.pathname)}`);
}

/** Ask in a dialog before something happens that is not to be undone by a click. */
function sure(title, why, risky) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "ask-title");
  dialog.innerHTML = '<form method="dialog"><h2 id="ask-title"></h2><p class="soft"></p><div class="row"><button value="yes" class="main">Yes</button><button value="no">Leave it</button></div></form>';
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("p").textContent = why;
  if (risky) dialog.querySelector(".main").className = "risky";
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => {
    done(dialog.returnValue === "yes");
    dialog.remove();
  }));
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-ask],[data-theme-switch],[data-leave],[data-open],[data-close]");
  if (!button) return;
  if (button.dataset.ask !== undefined) {
    if (await sure(button.dataset.ask, button.dataset.why || "", button.classList.contains("risky"))) htmx.trigger(button, "confirmed");
  } else if (button.dataset.themeSwitch !== undefined) {
    const root = document.documentElement;
    const dark = getComputedStyle(root).colorScheme.includes("dark") && (root.dataset.theme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches));
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  } else if (button.dataset.leave !== undefined) {
    try { await call("DELETE", "/session"); } finally { location.assign("/login"); }
  } else if (button.dataset.open !== undefined) {
    document.getElementById(button.dataset.open).showModal();
  } else if (button.dataset.close !== undefined) {
    button.closest("dialog").close();
  }
});

// The server says what came of a change in a header; `said` is our event.
document.addEventListener("said", (event) => say(event.detail.text, event.detail.tone));

// What went wrong leaves the page as it is: it is said, or, while the server is away, waited for.
document.addEventListener("htmx:response:error", (event) => {
  const { status } = event.detail.ctx.response;
  if (status === 401) leave();
  else if (status >= 500) document.body.dataset.away = "";
  else say(`This was refused (${status}).`, "bad");
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx && !event.detail.ctx.response) document.body.dataset.away = "";
});
document.addEventListener("htmx:after:swap", () => { delete document.body.dataset.away; });

/** Logs stay at their end, unless somebody scrolled up to read. */
function follow() {
  for (const box of document.querySelectorAll("[data-follow]")) {
    if (box.dataset.held === undefined) box.scrollTop = box.scrollHeight;
  }
}
document.addEventListener("scroll", (event) => {
  const box = event.target;
  if (!(box instanceof Element) || box.dataset.follow === undefined) return;
  if (box.scrollTop + box.clientHeight < box.scrollHeight - 8) box.dataset.held = ""; else delete box.dataset.held;
}, true);
document.addEventListener("htmx:after:swap", follow);
follow();

addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input,textarea,select") && !event.ctrlKey && !event.metaKey) {
    const box = document.querySelector("main input[type=search]");
    if (box) { event.preventDefault(); box.focus(); } else location.assign("/ui/search");
  }
});

for (const choice of document.querySelectorAll("[data-submit]")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}

// A search has an address, so that it can be kept and come back to.
document.querySelector("form[data-address]")?.addEventListener("submit", (event) => {
  history.replaceState(null, "", `?${new URLSearchParams(new FormData(event.target))}`);
});

/** What a field says: a number, a list with commas between, or a text. */
function value(field) {
  if (field.type === "number") return field.valueAsNumber;
  return "list" in field.dataset ? field.value.split(",").map((each) => each.trim()).filter(Boolean) : field.value;
}

/** What stands in a form, without what was left empty. */
function values(form) {
  const filled = [...form.elements].filter((field) => field.name && field.value.trim() !== "");
  return Object.fromEntries(filled.map((field) => [field.name, value(field)]));
}

// A form that is sent to the API as JSON; what comes of it is said, and told to who waits for it.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-call]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const told = await call("POST", form.dataset.call, values(form));
    if (form.dataset.said) say(form.dataset.said, "good");
    if (form.dataset.show) {
      const shown = document.getElementById(form.dataset.show);
      for (const field of shown.querySelectorAll("[data-field]")) field.textContent = told[field.dataset.field];
      shown.hidden = false;
    }
    if (form.dataset.then) htmx.trigger(document.body, form.dataset.then);
    form.reset();
    form.closest("dialog")?.close();
  } catch (wrong) { say(wrong.message, "bad"); } finally { button.disabled = false; }
});

// What is deleted through the API itself: asked first, then gone, then the page is told.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-delete]");
  if (!button || !(await sure(button.dataset.title, button.dataset.why, true))) return;
  try {
    await call("DELETE", button.dataset.delete);
    if (button.dataset.next) location.assign(button.dataset.next);
    else htmx.trigger(document.body, button.dataset.event);
  } catch (wrong) { say(wrong.message, "bad"); }
});

/**
 * Results while somebody types: the results region of the page is fetched again. Enter and the
 * button still send the form. Arrow keys go from the box through the results and back.
 */

const WAIT_MS = 200;
const SAID_AFTER_MS = 600; // a screen reader first says the letters typed

const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-search]"));
const box = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
const told = /** @type {HTMLElement} */ (document.querySelector("[data-told]"));
let shown = box.value;
let waiting = 0;
let saying = 0;
let asked = new AbortController();

const results = () => /** @type {HTMLElement} */ (document.getElementById("results"));

/** @param {Record<string, string>} more */
function address(more = {}) {
  const url = new URL(form.action);
  // With the words, whether they were to be found by words or by meaning alone.
  const typed = box.value.trim() ? Object.fromEntries(new FormData(form)) : {};
  url.search = String(new URLSearchParams({ ...typed, ...more }));
  return url;
}

/** Show what is found by now; an answer that a newer question has overtaken is dropped. */
async function ask() {
  if (box.value === shown) return;
  const typed = box.value;
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  results().ariaBusy = "true";
  try {
    const reply = await fetch(address({ typing: "1" }), { signal, credentials: "same-origin" });
    if (!reply.ok) throw new Error(reply.statusText);
    show(await reply.text());
    shown = typed;
  } catch {
    if (signal.aborted) return;
    results().ariaBusy = "false";
    tell("The results could not be fetched. Press Enter to ask again.");
  }
}

/** @param {string} html */
function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.getElementById("results");
  if (!fresh) throw new Error("no results came back");
  results().replaceWith(document.adoptNode(fresh));
  // Going back to a page resets its fields; this is what they are reset to.
  box.defaultValue = box.value;
  history.replaceState(history.state, "", address());
  tell(fresh.dataset.said ?? "");
}

/** @param {string} sentence */
function tell(sentence) {
  clearTimeout(saying);
  saying = setTimeout(() => (told.textContent = sentence), SAID_AFTER_MS);
}

/** Arrow keys: down into the results, up and down among them, and up to the box again. */
function move(/** @type {KeyboardEvent} */ event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const links = [box, ...results().querySelectorAll("a[data-result]")];
  const at = links.indexOf(/** @type {any} */ (document.activeElement));
  const next = /** @type {HTMLElement | undefined} */ (links[at + step]);
  if (at < 0 || !next) return;
  event.preventDefault();
  next.focus();
}

box.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(ask, WAIT_MS);
});
form.addEventListener("submit", () => asked.abort());
document.addEventListener("keydown", move);
// A page that is shown again may hold other words than those its results are for.
addEventListener("pageshow", ask);

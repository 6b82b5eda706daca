/**
 * Hide and show notes without loading the page. Without this module each link loads the page again
 * with `?hide=`, and the server leaves the texts out.
 */

const KEY = "commonplace-hidden";
const MAX_HIDDEN = 200; // the server reads no more, so that an address stays short
const status = document.createElement("p");

/** @type {Set<string>} the notes this page's address hides */
const hidden = new Set((new URLSearchParams(location.search).get("hide") ?? "").split(",").filter(Boolean));

/** @returns {string[]} the notes this reader hid on any page */
function remembered() {
  try {
    const pids = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(pids) ? pids.map(String) : [];
  } catch {
    return []; // storage is off, or holds what we did not write
  }
}

/** A note's own page is opened to read it, so only lists remember. @param {HTMLElement} link */
function remember(link) {
  if (!link.closest("[data-remember]")) return;
  const pid = link.dataset.hide;
  const pids = remembered().filter((other) => other !== pid);
  try {
    localStorage.setItem(KEY, JSON.stringify(hidden.has(pid) ? [...pids, pid] : pids));
  } catch {
    // Storage is off or full: the address still holds it.
  }
}

/** @param {string} address @param {Iterable<string>} pids @returns {string} */
function withHidden(address, pids) {
  const url = new URL(address, location.href);
  const said = [...pids].slice(-MAX_HIDDEN).join(",");
  url.searchParams.delete("hide");
  if (said) url.searchParams.set("hide", said);
  const query = (url.search || "?").replaceAll("%2C", ",") + url.hash;
  return address.startsWith("?") ? query : url.pathname + query.replace(/^\?(?=#|$)/, "");
}

/** Let the page's address, its links and its form say what is hidden now. */
function tellAddresses() {
  history.replaceState(history.state, "", withHidden(location.href, hidden));
  for (const link of document.querySelectorAll("a[data-hide]")) {
    const pid = link.dataset.hide;
    const toggled = hidden.has(pid) ? [...hidden].filter((other) => other !== pid) : [...hidden, pid];
    link.setAttribute("href", withHidden(link.getAttribute("href"), toggled));
  }
  for (const link of document.querySelectorAll("a[data-keeps-hide], a[href^='?']:not([data-hide])")) {
    link.setAttribute("href", withHidden(link.getAttribute("href"), hidden));
  }
  for (const form of document.querySelectorAll("form.filter")) {
    form.querySelector("input[name=hide]")?.remove();
    if (!hidden.size) continue;
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "hide" });
    field.value = [...hidden].slice(-MAX_HIDDEN).join(",");
    form.append(field);
  }
}

/** @param {HTMLElement} link @param {boolean} isHidden */
function fold(link, isHidden) {
  link.closest(".note").classList.toggle("folded", isHidden);
  link.setAttribute("aria-expanded", String(!isHidden));
  link.textContent = isHidden ? "show" : "hide";
  hidden.delete(link.dataset.hide);
  if (isHidden) hidden.add(link.dataset.hide);
}

/** Fetch what the server left out of a note that the address hid. @param {HTMLElement} link */
async function fetchText(link) {
  const note = link.closest(".note");
  const reply = await fetch(link.href, { credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const whole = page.getElementById(note.id);
  if (!reply.ok || !whole?.querySelector(".prose")) throw new Error("no text came back");
  while (note.lastElementChild !== note.firstElementChild) note.lastElementChild.remove();
  note.append(...[...whole.children].slice(1));
}

/** @param {MouseEvent} event */
async function toggle(event) {
  const link = event.target.closest?.("a[data-hide]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const isHidden = link.getAttribute("aria-expanded") === "true";
  try {
    if (!isHidden && !link.closest(".note").querySelector(".prose")) await fetchText(link);
  } catch {
    location.assign(link.href);
    return;
  }
  fold(link, isHidden);
  remember(link);
  tellAddresses();
  status.textContent = `Note {${link.dataset.hide}} is ${isHidden ? "hidden" : "shown"}.`;
}

const links = document.querySelectorAll("a[data-hide]");
if (links.length) {
  Object.assign(status, { className: "vh", role: "status" });
  document.body.append(status);
  const pids = new Set(remembered());
  for (const link of document.querySelectorAll("[data-remember] a[data-hide][aria-expanded=true]")) {
    if (pids.has(link.dataset.hide)) fold(link, true);
  }
  tellAddresses();
  document.addEventListener("click", toggle);
}

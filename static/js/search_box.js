/**
 * The search box in the top line: the key / focuses it unless something is being typed, and
 * matching titles are suggested below; choosing one opens the note.
 */

const TYPED_INTO = "input, textarea, select, [contenteditable]";
const PAUSE_MS = 120;

/** @param {KeyboardEvent} event */
function focusBox(event) {
  const isTyping = event.target instanceof Element && event.target.matches(TYPED_INTO);
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
  const box = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-slash]"));
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
}

class SearchBox {
  pause = 0;
  asked = new AbortController();
  /** @type {Map<string, string>} the address of each note that is offered, by its title */
  addresses = new Map();
  /** @type {import("./listbox.js").Listbox | undefined} */
  listbox;

  /** @param {HTMLInputElement} box */
  constructor(box) {
    this.box = box;
    box.addEventListener("input", () => {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.offer(), PAUSE_MS);
    });
    box.addEventListener("keydown", (event) => this.press(event));
    box.addEventListener("blur", () => this.close());
  }

  async offer() {
    const typed = this.box.value.trim();
    if (!typed) return this.close();
    this.asked.abort();
    const { signal } = (this.asked = new AbortController());
    try {
      const { Listbox } = await import("./listbox.js");
      const query = new URLSearchParams({ kind: "title", q: typed });
      const reply = await fetch(`${this.box.dataset.offers}?${query}`, { signal });
      if (!reply.ok || document.activeElement !== this.box) return this.close();
      const { titles } = await reply.json();
      this.listbox ??= new Listbox(this.box, (title) => this.open(title));
      this.show(titles);
    } catch {
      // Asked again meanwhile, or not to be had: the box searches all the same.
      if (!signal.aborted) this.close();
    }
  }

  /** @param {{title: string, url: string}[]} titles */
  show(titles) {
    this.addresses = new Map(titles.map(({ title, url }) => [title, url]));
    this.listbox?.show([...this.addresses.keys()], 0, false);
  }

  close() {
    clearTimeout(this.pause);
    this.asked.abort();
    this.listbox?.hide();
  }

  /** @param {string} title */
  open(title) {
    this.close();
    location.assign(this.addresses.get(title) ?? location.href);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { key, isComposing } = event;
    if (!this.listbox?.isOpen || isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "ArrowDown" || key === "ArrowUp") this.listbox.move(key === "ArrowDown" ? 1 : -1);
    else if (key === "Escape") this.close();
    else if (key === "Enter" && this.listbox.active) this.open(this.listbox.active);
    else return;
    event.preventDefault();
  }
}

document.addEventListener("keydown", focusBox);
const box = document.querySelector("input[data-offers]");
if (box instanceof HTMLInputElement) new SearchBox(box);

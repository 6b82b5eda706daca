/** Completing a title after `[[` and a tag: a list under what is typed, for keys and fingers. */

import { Listbox } from "./listbox.js";
import { insert } from "./text_insertion.js";
import { suggestions } from "./suggestions.js";
import { fits, typedIn, written } from "./completion_context.js";

/** @typedef {import("./completion_context.js").Field} Field */

const PAUSE_MS = 80;

class Completion {
  pause = 0;
  isTaking = false;

  /** @param {Field} field */
  constructor(field) {
    this.field = field;
    this.listbox = new Listbox(field, (name) => this.take(name));
    field.setAttribute("autocomplete", "off");
    field.addEventListener("input", (event) => {
      clearTimeout(this.pause);
      // What a script writes, the draft that is shown or the name just taken, asks for nothing.
      if (event.isTrusted && !this.isTaking) this.pause = setTimeout(() => this.offer(), PAUSE_MS);
    });
    field.addEventListener("keydown", (event) => this.press(/** @type {KeyboardEvent} */ (event)));
    field.addEventListener("blur", () => this.close());
    field.addEventListener("click", () => this.close());
  }

  async offer() {
    const typed = typedIn(this.field);
    if (!typed) return this.close();
    const names = await suggestions(typed.kind, typed.word);
    // Somebody typed on, or left: what was asked is no longer the question.
    const now = typedIn(this.field);
    if (!names || now?.start !== typed.start || now.word !== typed.word) return;
    if (document.activeElement !== this.field) return;
    const wanted = names.filter((name) => fits(typed, name) && name !== typed.word);
    this.listbox.show(wanted, typed.start, typed.kind === "title");
  }

  close() {
    clearTimeout(this.pause);
    this.listbox.hide();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (!this.listbox.isOpen || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") this.listbox.move(key === "ArrowDown" ? 1 : -1);
    else if (key === "Escape") this.close();
    else if (key === "Enter" && this.listbox.active) this.take(this.listbox.active);
    else return void (key.startsWith("Arrow") && this.close());
    event.preventDefault();
  }

  /** @param {string} name */
  take(name) {
    const typed = typedIn(this.field);
    this.close();
    if (!typed) return;
    const text = written(typed, name);
    this.isTaking = true;
    insert(this.field, typed.start, typed.end, text);
    this.isTaking = false;
  }
}

for (const field of document.querySelectorAll("[data-completes]")) {
  new Completion(/** @type {Field} */ (field));
}

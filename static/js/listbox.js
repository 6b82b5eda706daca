/** A listbox of names under a field that keeps the focus: arrow keys move the active option. */

import { lineBelow } from "./caret_position.js";

/** @typedef {import("./completion_context.js").Field} Field */

let lists = 0;

export class Listbox {
  /** @type {string} the name that is marked; empty while none is */
  active = "";
  at = -1;

  /** @param {Field} field @param {(name: string) => void} take what to do with a name chosen */
  constructor(field, take) {
    this.field = field;
    this.list = document.createElement("ul");
    this.list.className = "choices-below said no-print";
    this.list.id = `choices-${(lists += 1)}`;
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Suggestions");
    this.told = document.createElement("span");
    this.told.className = "vh";
    this.told.setAttribute("role", "status");
    field.after(this.list, this.told);
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    // A text area has no such role; it tells of its list by the status beside it.
    if (field instanceof HTMLInputElement) field.setAttribute("role", "combobox");
    this.expand(false);
    // Choosing must not take the caret out of the field.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = /** @type {Element} */ (event.target).closest("[role=option]");
      if (option) take(option.textContent ?? "");
    });
  }

  get isOpen() {
    return !this.list.hidden;
  }

  /** @param {string[]} names @param {number} place in the text @param {boolean} mark the first */
  show(names, place, mark) {
    if (!names.length) return this.hide();

    this.list.replaceChildren(...names.map((name, i) => this.option(name, i)));
    this.list.hidden = false;
    this.put(place);
    this.expand(true);
    this.at = mark ? 0 : -1;
    this.mark();
    this.told.textContent = `${names.length} to choose from, with the arrow keys and Enter`;
  }

  /** Put the list below the line with this place, as wide as the field. @param {number} place */
  put(place) {
    const { offsetTop, offsetLeft, offsetWidth, offsetHeight } = this.field;
    const isText = this.field instanceof HTMLTextAreaElement;
    const below = isText ? lineBelow(this.field, place) : offsetHeight;
    Object.assign(this.list.style, {
      top: `${offsetTop + below}px`,
      left: `${offsetLeft}px`,
      width: `${offsetWidth}px`,
    });
  }

  hide() {
    if (!this.isOpen) return;
    this.list.hidden = true;
    this.at = -1;
    this.mark();
    this.expand(false);
    this.told.textContent = "";
  }

  /** @param {number} step */
  move(step) {
    const count = this.list.children.length;
    this.at = this.at < 0 ? (step > 0 ? 0 : count - 1) : (this.at + step + count) % count;
    this.mark();
  }

  mark() {
    this.active = "";
    this.field.removeAttribute("aria-activedescendant");
    [...this.list.children].forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === this.at));
      if (i !== this.at) return;
      this.active = option.textContent ?? "";
      this.field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    });
  }

  /** @param {string} name @param {number} i */
  option(name, i) {
    const option = document.createElement("li");
    option.id = `${this.list.id}-${i}`;
    option.dir = "auto";
    option.setAttribute("role", "option");
    option.textContent = name;
    return option;
  }

  /** @param {boolean} isOpen */
  expand(isOpen) {
    if (this.field instanceof HTMLInputElement) this.field.setAttribute("aria-expanded", String(isOpen));
  }
}

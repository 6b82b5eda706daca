/** Writing into a text while somebody types in it: their caret, selection and scroll position stay. */

import { insert } from "./text_insertion.js";

const FILE = /\]\([^()\n]*\)$/;

export class BackgroundWriter {
  isComposing = false;

  /** @param {HTMLTextAreaElement} body @param {HTMLElement} box whose controls are not typed in */
  constructor(body, box) {
    this.body = body;
    this.box = box;
    body.addEventListener("compositionstart", () => (this.isComposing = true));
    body.addEventListener("compositionend", () => (this.isComposing = false));
  }

  /** Resolves when no character is being composed by an input method. */
  async composed() {
    while (this.isComposing) {
      await new Promise((resolve) => this.body.addEventListener("compositionend", resolve, { once: true }));
    }
  }

  /** Whether the caret is still where it was, and nobody types elsewhere. @param {number} caret */
  isWhere(caret) {
    const focused = document.activeElement;
    const isFree = focused === document.body || focused === this.body || this.box.contains(focused);
    return isFree && this.body.selectionEnd === caret;
  }

  /**
   * Write, and leave the caret where it is; or, if the person waits for the file, select its
   * words, so that typing replaces them.
   * @param {number} place
   * @param {string} markdown
   * @param {boolean} isAwaited
   * @returns {string} what was written
   */
  write(place, markdown, isAwaited) {
    const { body } = this;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const { selectionStart, selectionEnd, selectionDirection, scrollTop } = body;
    // Two pictures that stand next to each other get a line each.
    const text = FILE.test(body.value.slice(0, place)) ? `\n${markdown}` : markdown;
    insert(body, place, place, text);
    if (isAwaited) {
      const start = place + text.indexOf("[") + 1;
      body.setSelectionRange(start, place + text.indexOf("]("));
      return text;
    }
    const kept = (/** @type {number} */ at) => (at > place ? at + text.length : at);
    body.setSelectionRange(kept(selectionStart), kept(selectionEnd), selectionDirection);
    body.scrollTop = scrollTop;
    focused?.focus({ preventScroll: true });
    return text;
  }
}

/** Adding files to the text: chosen, pasted or dropped. */

import { filesIn } from "./file_rules.js";
import { UploadQueue } from "./upload_queue.js";
import { part } from "./status_messages.js";

export class Attachments {
  wasHere = false; // a caret that nobody has put anywhere is at the start; the end is better

  /** @param {HTMLFormElement} form */
  constructor(form) {
    const box = part("attach");
    this.body = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("body"));
    this.queue = new UploadQueue(form, this.body, box);
    this.attend(/** @type {HTMLInputElement} */ (box.querySelector("input")));
    box.hidden = false;
    part("attach-plain").remove();
  }

  /** @param {HTMLInputElement} chosen */
  attend(chosen) {
    chosen.addEventListener("change", () => {
      this.queue.add([...(chosen.files ?? [])], this.caret());
      chosen.value = ""; // so that the same file can be chosen again
    });
    const { body } = this;
    body.addEventListener("focus", () => (this.wasHere = true));
    body.addEventListener("paste", (event) => this.take(event, event.clipboardData, this.caret()));
    // All of the page takes them: beside the text, the browser would leave it for the file.
    document.addEventListener("drop", (event) => this.take(event, event.dataTransfer, this.under(event)));
    document.addEventListener("dragover", (event) => {
      const isFiles = Boolean(event.dataTransfer?.types.includes("Files"));
      if (isFiles) event.preventDefault();
      body.classList.toggle("takes", isFiles);
    });
    for (const end of ["dragleave", "drop"]) {
      document.addEventListener(end, () => body.classList.remove("takes"));
    }
  }

  caret() {
    return this.wasHere ? this.body.selectionEnd : this.body.value.length;
  }

  /** The place in the text under the pointer. @param {DragEvent} event */
  under({ clientX, clientY }) {
    // What a script drops may come from nowhere.
    const isSomewhere = Number.isFinite(clientX) && Number.isFinite(clientY);
    const found = isSomewhere && document.caretPositionFromPoint?.(clientX, clientY);
    return found && found.offsetNode === this.body ? found.offset : this.caret();
  }

  /** @param {Event} event @param {DataTransfer | null} data @param {number} place */
  take(event, data, place) {
    const files = filesIn(data);
    if (!files) return;
    event.preventDefault();
    this.queue.add(files, place);
  }
}

/** The editor: drafts, a warning before typed text is left, files, keys, saving, the live preview. */

import { Attachments } from "./attachments.js";
import { fieldsOf } from "./draft.js";
import { DraftEditor } from "./draft_editor.js";
import { listen } from "./editor_keys.js";
import { refresh, watch } from "./preview.js";
import { send } from "./save_request.js";
import { part, say } from "./status_messages.js";

const SAFE = "Nothing is lost: the text is still here.";
const ON_ITS_WAY = "A file is still on its way; the note is saved when it is in the text.";
const NOT_THERE = "Not saved yet: a file is not in the text. Try it again, or leave it out, then save.";
const TYPED_ON = "This is saved as it was when you pressed save. You typed on since: save again.";

class Editor {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.preview = part("preview");
    this.draft = new DraftEditor(form);
    this.files = new Attachments(form).queue;
    watch(form, this.preview);
    form.addEventListener("submit", (event) => this.submit(event));
    listen(() => form.requestSubmit(), () => refresh(this.preview));
    addEventListener("beforeunload", (event) => this.warn(event));
  }

  /** @param {BeforeUnloadEvent} event */
  warn(event) {
    const isTyped = !this.draft.isLeft && this.draft.isDirty();
    if (isTyped || this.files.isBusy) event.preventDefault();
  }

  /** @param {SubmitEvent} event */
  async submit(event) {
    // A version to be put in a place: the server does it, and the page that comes has the draft.
    if (event.submitter?.getAttribute("name") === "take") return this.draft.leave();
    event.preventDefault();
    if (event.submitter?.getAttribute("name") === "preview") {
      refresh(this.preview);
      this.preview.scrollIntoView({ block: "nearest" });
    } else if (!this.form.ariaBusy) {
      this.form.ariaBusy = "true";
      await this.save();
      this.form.ariaBusy = null;
    }
  }

  async save() {
    await this.draft.ready;
    this.draft.keep();
    say("problem", this.files.isBusy ? ON_ITS_WAY : "");
    if (!(await this.files.settled())) return void say("problem", NOT_THERE);
    say("problem", "");
    const sent = fieldsOf(this.form);
    let address;
    try {
      address = await send(this.form);
    } catch (error) {
      say("problem", `${/** @type {Error} */ (error).message} ${SAFE}`);
      return;
    }
    this.moveOn(address, sent);
  }

  /** @param {string} address of the saved note, if it is saved @param {Record<string, string>} sent */
  moveOn(address, sent) {
    if (!address) {
      this.draft.leave();
      this.form.submit();
    } else if (this.draft.saved(sent)) {
      // Back leads to the note that is there now, not to one more new entry.
      if (!this.form.dataset.note) history.replaceState(null, "", `${address}edit/`);
      location.assign(address);
    } else {
      say("problem", TYPED_ON);
    }
  }
}

const form = document.querySelector("form[data-person]");
if (form instanceof HTMLFormElement) new Editor(form);

/** The editor: drafts, a warning before typed text is left, keys, saving, the live preview. */

import { minutes, seconds } from "./clock.js";
import * as drafts from "./draft.js";
import { listen } from "./keys.js";
import { refresh, watch } from "./preview.js";
import { send } from "./saving.js";

const PAUSE_MS = 400;
const NO_ROOM = "This browser has no room for a draft: save soon.";
const SAFE = "Nothing is lost: the text is here and kept as a draft.";

class Editor {
  leaving = false;
  kept = false; // by this editor: another tab's draft of the same note is not ours to drop
  pause = 0;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.preview = part("preview");
    this.opened = drafts.openedFields(form);
    this.wasSent = form.dataset.sent !== undefined;
  }

  start() {
    watch(this.form, this.preview);
    this.attend();
    if (this.wasSent) {
      drafts.dropSuperseded(this.form);
      this.keep();
    } else {
      const found = drafts.find(this.form);
      if (found) this.showFound(found);
    }
  }

  attend() {
    this.form.addEventListener("input", () => {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.keep(), PAUSE_MS);
    });
    this.form.addEventListener("submit", (event) => this.submit(event));
    listen(() => this.form.requestSubmit(), () => refresh(this.preview));
    document.addEventListener("visibilitychange", () => document.hidden && this.keep());
    addEventListener("pagehide", () => this.keep());
    addEventListener("pageshow", (event) => event.persisted && (this.leaving = false));
    addEventListener("beforeunload", (event) => !this.leaving && this.isDirty() && event.preventDefault());
    for (const button of document.querySelectorAll("[data-drop]")) {
      button.addEventListener("click", () => this.dropDraft());
    }
  }

  isDirty() {
    return this.wasSent || !drafts.sameText(drafts.fieldsOf(this.form), this.opened);
  }

  keep() {
    clearTimeout(this.pause);
    if (this.leaving) return;
    const dirty = this.isDirty();
    part("drop").hidden = !dirty;
    if (!dirty && this.kept) drafts.drop(this.form);
    this.kept = dirty && drafts.keep(this.form);
    part("kept").textContent = dirty ? said(this.kept) : "";
  }

  /** @param {drafts.Draft} draft */
  showFound({ when, fields, key }) {
    const older = fields.base && fields.base !== this.opened.base;
    const begun = ` It was begun on revision ${fields.base}; saving joins it with what was saved since.`;
    drafts.show(this.form, fields);
    part("found-when").textContent = minutes(new Date(when));
    part("found-base").textContent = older ? begun : "";
    part("found").hidden = false;
    this.keep();
    if (this.kept && key !== drafts.keyOf(this.form)) drafts.forget(key);
  }

  dropDraft() {
    drafts.drop(this.form);
    drafts.show(this.form, this.opened);
    this.wasSent = false;
    part("found").hidden = true;
    this.keep();
  }

  /** @param {SubmitEvent} event */
  async submit(event) {
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
    this.keep();
    part("trouble").textContent = "";
    try {
      const saved = await send(this.form);
      this.leaving = true;
      if (saved) drafts.drop(this.form);
      if (saved) location.assign(saved);
      else this.form.submit();
    } catch (error) {
      part("trouble").textContent = `${/** @type {Error} */ (error).message} ${SAFE}`;
    }
  }
}

/** @param {string} name @returns {HTMLElement} */
const part = (name) => /** @type {HTMLElement} */ (document.querySelector(`[data-${name}]`));

/** @param {boolean} done */
const said = (done) => (done ? `draft kept ${seconds(new Date())}` : NO_ROOM);

const form = document.querySelector("form[data-person]");
if (form instanceof HTMLFormElement) new Editor(form).start();

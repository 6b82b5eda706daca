/** The draft of an open form: restored, stored while somebody types, dropped. */

import { drop, fieldsOf, keep, keyOf, openedFields, sameText, show } from "./draft.js";
import { own, takeOver } from "./draft_lookup.js";
import { part, sayFound, sayStored } from "./status_messages.js";

const PAUSE_MS = 400;

export class DraftEditor {
  isOwn = false;
  isLeft = false; // what is sent now or saved needs no draft
  pause = 0; // a timer while something typed is not kept yet

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.opened = openedFields(form);
    this.wasSent = form.dataset.sent !== undefined;
    this.attend();
    this.ready = this.begin();
  }

  attend() {
    this.form.addEventListener("input", () => {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.keep(), PAUSE_MS);
    });
    document.addEventListener("visibilitychange", () => document.hidden && this.pause && this.keep());
    addEventListener("pagehide", () => this.pause && this.keep());
    addEventListener("pageshow", (event) => event.persisted && (this.ready = this.comeBack()));
    for (const button of document.querySelectorAll("[data-drop]")) {
      button.addEventListener("click", () => this.drop());
    }
  }

  async begin() {
    await this.own();
    if (this.wasSent) drop(keyOf(this.form, this.form.dataset.sent));
    else await this.find();
    if (this.wasSent || this.pause) this.keep();
  }

  /** The browser kept this page and shows it again; meanwhile its draft was anybody's. */
  async comeBack() {
    this.isLeft = this.isOwn = false;
    await this.own();
    this.keep();
  }

  async own() {
    await own(this.form);
    this.isOwn = true;
  }

  /** Text that is here already, typed or brought back by the browser, yields to its own draft only. */
  async find() {
    const wasDirty = this.isDirty();
    const mine = keyOf(this.form);
    const found = await takeOver(this.form, (key) => !this.pause && (!wasDirty || key === mine));
    if (found) sayFound(found, this.opened.base);
  }

  isDirty() {
    return this.wasSent || !sameText(fieldsOf(this.form), this.opened);
  }

  keep() {
    if (this.isLeft || !this.isOwn) return;
    clearTimeout(this.pause);
    this.pause = 0;
    const dirty = this.isDirty();
    if (!dirty) drop(keyOf(this.form));
    sayStored(dirty, dirty && keep(this.form));
  }

  drop() {
    show(this.form, this.opened);
    this.wasSent = false;
    part("found").hidden = true;
    this.keep();
  }

  /** The form is sent as a page of its own, which goes on with the draft. */
  leave() {
    this.keep();
    this.isLeft = true;
  }

  /**
   * These fields are what the server has now. False where somebody typed on meanwhile.
   * @param {Record<string, string>} fields
   * @returns {boolean}
   */
  saved(fields) {
    this.opened = fields;
    this.wasSent = false;
    this.isLeft = !this.isDirty();
    if (this.isLeft) drop(keyOf(this.form));
    return this.isLeft;
  }
}

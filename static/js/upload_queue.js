/** The queue of files: sent one after the other, each written into the text where it was added. */

import { refusal } from "./file_rules.js";
import { moved } from "./text_insertion.js";
import { BackgroundWriter } from "./background_writer.js";
import { Upload } from "./upload.js";
import { send } from "./upload_request.js";
import { say } from "./status_messages.js";

export class UploadQueue {
  /** @type {Upload[]} the first is being sent */
  waiting = [];
  /** @type {Set<Upload>} what did not arrive, and may be tried again */
  failed = new Set();
  typed = 0; // how often somebody changed the text
  isWriting = false;
  running = Promise.resolve();

  /** @param {HTMLFormElement} form @param {HTMLTextAreaElement} body @param {HTMLElement} box */
  constructor(form, body, box) {
    this.form = form;
    this.box = box;
    this.list = /** @type {HTMLElement} */ (box.querySelector("ul"));
    this.chosen = /** @type {HTMLInputElement} */ (box.querySelector("input"));
    this.writer = new BackgroundWriter(body, box);
    this.text = body.value;
    form.addEventListener("input", () => this.follow(body.value));
  }

  get isBusy() {
    return this.waiting.length > 0;
  }

  /** @param {File[]} files @param {number} place */
  add(files, place) {
    const added = { typed: this.typed, caret: this.writer.body.selectionEnd };
    for (const file of files) {
      const upload = new Upload(file, place, added);
      this.list.append(upload.line);
      const problem = refusal(file, Number(this.box.dataset.megabytes));
      if (problem) upload.fail(problem, { close: () => upload.remove(this.chosen) });
      else this.enqueue(upload);
    }
  }

  /** Whether all that was added is in the text, or was left out; waits for what is on its way. */
  async settled() {
    while (this.waiting.length) await this.running;
    return this.failed.size === 0;
  }

  /** @param {Upload} upload */
  enqueue(upload) {
    upload.wait(() => this.drop(upload));
    this.failed.delete(upload);
    if (this.waiting.push(upload) === 1) this.running = this.run();
  }

  async run() {
    for (let upload = this.waiting[0]; upload; upload = this.waiting[0]) {
      await this.send(upload);
      this.waiting = this.waiting.filter((other) => other !== upload);
    }
  }

  /** @param {Upload} upload */
  async send(upload) {
    const { file, name, stop } = upload;
    say("attached", `${name} is being sent`);
    try {
      const { attach = "" } = this.box.dataset;
      const markdown = await send(attach, this.form, file, (share) => upload.show(share), stop.signal);
      await this.write(upload, markdown);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      if (stop.signal.aborted) return;
      this.failed.add(upload);
      upload.fail(message, { "try again": () => this.enqueue(upload), "leave it out": () => this.drop(upload) });
    }
  }

  /** @param {Upload} upload @param {string} markdown */
  async write(upload, markdown) {
    await this.writer.composed();
    if (upload.stop.signal.aborted) return;
    this.isWriting = true;
    const isAwaited = upload.added.typed === this.typed && this.writer.isWhere(upload.added.caret);
    const written = this.writer.write(upload.place, markdown, isAwaited);
    this.isWriting = false;
    this.text = this.writer.body.value;
    for (const other of [...this.waiting, ...this.failed]) {
      if (other !== upload && other.place >= upload.place) other.place += written.length;
    }
    upload.remove(this.chosen);
    say("attached", `${upload.name} is in the text`);
  }

  /** Leave a file out, whatever it was doing. @param {Upload} upload */
  drop(upload) {
    upload.stop.abort();
    upload.remove(this.chosen);
    this.failed.delete(upload);
    // The first is being sent, and goes when that has ended.
    this.waiting = this.waiting.filter((other, i) => i === 0 || other !== upload);
    say("attached", `${upload.name} is left out`);
  }

  /** Somebody typed: the places of what is on its way move along. @param {string} text */
  follow(text) {
    if (this.isWriting) return;
    for (const upload of [...this.waiting, ...this.failed]) {
      upload.place = moved(upload.place, this.text, text);
    }
    this.text = text;
    this.typed += 1;
  }
}

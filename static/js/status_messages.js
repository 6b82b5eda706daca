/** Status messages of the editor about drafts and saving. */

import { minutes, seconds } from "./time_format.js";

const NO_ROOM = "This browser has no room for a draft: save soon.";

/** @param {string} name @returns {HTMLElement} */
export const part = (name) => /** @type {HTMLElement} */ (document.querySelector(`[data-${name}]`));

/** @param {string} name @param {string} words */
export function say(name, words) {
  part(name).textContent = words;
}

/** @param {boolean} dirty whether there is anything to keep @param {boolean} done whether it is kept */
export function sayStored(dirty, done) {
  part('drop="kept"').hidden = !dirty;
  say("kept", dirty ? (done ? `draft kept ${seconds(new Date())}` : NO_ROOM) : "");
}

/** @param {import("./draft.js").Draft} draft @param {string} base the revision the page was opened at */
export function sayFound({ when, fields }, base) {
  const isOlder = fields.base && fields.base !== base;
  const begun = ` It was begun on revision ${fields.base}; saving joins it with what was saved since.`;
  say("found-when", minutes(new Date(when)));
  say("found-base", isOlder ? begun : "");
  part("found").hidden = false;
}

/** Finding drafts: an open form holds its own, and may take over those of closed forms. */

import { drop, keyOf, keysFor, openedFields, read, sameText, show } from "./draft.js";
import { hold, release } from "./page_locks.js";

/** @typedef {import("./draft.js").Draft} Draft */

/**
 * Make the form this page's alone. Where another page is open with the same one (a duplicated
 * tab shows what the browser had of it), this one gets a submission of its own.
 * @param {HTMLFormElement} form
 */
export async function own(form) {
  if (await hold(keyOf(form))) return;
  const submission = /** @type {HTMLInputElement} */ (form.elements.namedItem("submission"));
  submission.value = freshId();
  await hold(keyOf(form));
}

/**
 * Show the newest draft that no open page holds, whatever revision it was begun on; it is the
 * caller's to keep from then on. Drafts that say what the note says by now were saved some
 * other way, and go.
 * @param {HTMLFormElement} form
 * @param {(key: string) => boolean} mayShow asked last, because somebody may have typed meanwhile
 * @returns {Promise<Draft | null>}
 */
export async function takeOver(form, mayShow) {
  const keys = keysFor(form);
  const areFree = await Promise.all(keys.map(hold));
  const free = keys.filter((_, i) => areFree[i]);
  const newest = newestOf(form, free.filter((key) => mayShow(key)));
  if (newest) {
    drop(newest.key);
    show(form, newest.draft.fields);
  }
  free.filter((key) => key !== keyOf(form)).forEach(release);
  return newest?.draft ?? null;
}

/** @param {HTMLFormElement} form @param {string[]} keys */
function newestOf(form, keys) {
  const opened = openedFields(form);
  /** @type {{key: string, draft: Draft}[]} */
  const found = [];
  for (const key of keys) {
    const draft = read(key);
    if (draft === null || sameText(draft.fields, opened)) drop(key);
    else if (isForThisForm(form, opened, draft)) found.push({ key, draft });
  }
  return found.sort((one, other) => other.draft.when - one.draft.when)[0];
}

/**
 * Whether a draft may be shown here: a new entry opened for one title, by a link to a note that
 * is not there yet, is no place for a draft of another.
 * @param {HTMLFormElement} form
 * @param {Record<string, string>} opened
 * @param {Draft} draft
 */
function isForThisForm(form, opened, draft) {
  return Boolean(form.dataset.note) || !opened.title || draft.fields.title === opened.title;
}

/** A random UUID; crypto.randomUUID is missing on plain http. */
function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Typed text, kept in this browser per person, note and base revision.
 *
 * @typedef {{when: number, fields: Record<string, string>, key: string}} Draft
 */

const UNTYPED = ["csrfmiddlewaretoken", "submission", "base"];

/** Everything a form would send, but for the token. @param {HTMLFormElement} form */
export function fieldsOf(form) {
  /** @type {[string, string][]} */
  const sent = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
  return Object.fromEntries(sent.filter(([name]) => name !== "csrfmiddlewaretoken"));
}

/** What the server wrote into the form, in the same shape. @param {HTMLFormElement} form */
export function openedFields(form) {
  const copy = /** @type {HTMLFormElement} */ (form.cloneNode(true));
  copy.reset();
  return fieldsOf(copy);
}

/**
 * Whether somebody typed the same in both.
 * @param {Record<string, string>} one
 * @param {Record<string, string>} other
 */
export function sameText(one, other) {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => UNTYPED.includes(name) || clean(one[name]) === clean(other[name]));
}

/** Keep what the form holds; false where this browser has no room for it.
 * @param {HTMLFormElement} form
 */
export function keep(form) {
  const draft = { when: Date.now(), fields: fieldsOf(form) };
  try {
    localStorage.setItem(keyOf(form), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

/** @param {HTMLFormElement} form */
export function drop(form) {
  forget(keyOf(form));
}

/** Drop what was kept of a note before the server joined it with the head.
 * @param {HTMLFormElement} form
 */
export function dropSuperseded(form) {
  if (form.dataset.note) keysFor(form).forEach(forget);
}

/**
 * The newest draft of this person for this note, whatever revision it was begun on.
 * Drafts that say what the note says by now were saved some other way, and go.
 * @param {HTMLFormElement} form
 * @returns {Draft | null}
 */
export function find(form) {
  /** @type {Draft[]} */
  const found = [];
  for (const key of keysFor(form)) {
    const draft = read(key);
    if (draft === null || sameText(draft.fields, openedFields(form))) forget(key);
    else found.push(draft);
  }
  return found.sort((one, other) => other.when - one.when)[0] ?? null;
}

/**
 * Write fields into the form, which stays a submission of its own: another tab may still send
 * the one these were typed for.
 * @param {HTMLFormElement} form
 * @param {Record<string, string>} fields
 */
export function show(form, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const place = form.elements.namedItem(name);
    if (name !== "submission" && place !== null && "value" in place) place.value = value;
  }
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {string} key @returns {Draft | null} */
function read(key) {
  try {
    const draft = JSON.parse(localStorage.getItem(key) ?? "");
    const isDraft = typeof draft.when === "number" && typeof draft.fields === "object";
    return isDraft ? { ...draft, key } : null;
  } catch {
    return null;
  }
}

/** @param {string | undefined} text */
function clean(text) {
  return (text ?? "").replaceAll("\r\n", "\n");
}

/** Forget one draft; without storage there is none. @param {string} key */
export function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // Nothing was kept.
  }
}

/** @param {HTMLFormElement} form @returns {string[]} */
function keysFor(form) {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefixOf(form)));
  } catch {
    return [];
  }
}

/** @param {HTMLFormElement} form */
function prefixOf(form) {
  return `${JSON.stringify(["draft", form.dataset.person, form.dataset.note])} `;
}

/** @param {HTMLFormElement} form */
export function keyOf(form) {
  const { base, submission } = fieldsOf(form);
  return prefixOf(form) + (base || submission);
}

/**
 * Drafts: typed text, stored in this browser per person, note and opened form.
 *
 * @typedef {{when: number, fields: Record<string, string>}} Draft
 */

const UNTYPED = ["csrfmiddlewaretoken", "submission", "base"];

/** Everything a form would send, but for the token. @param {HTMLFormElement} form */
export function fieldsOf(form) {
  /** @type {[string, string][]} */
  const sent = [...new FormData(form)].flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []));
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

/**
 * Write fields into the form. The submission stays its own: two forms that send the same one
 * are one note, and the later text replaces the earlier.
 * @param {HTMLFormElement} form
 * @param {Record<string, string>} fields
 */
export function show(form, { submission, ...fields }) {
  for (const [name, value] of Object.entries(fields)) {
    const place = form.elements.namedItem(name);
    if (place !== null && "value" in place) place.value = value;
  }
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

/** The key of one form's draft. @param {HTMLFormElement} form @param {string} submission */
export function keyOf(form, submission = fieldsOf(form).submission) {
  return prefixOf(form) + submission;
}

/** Every draft of this person for this note, or for new entries. @param {HTMLFormElement} form */
export function keysFor(form) {
  return stored((storage) => Object.keys(storage), []).filter((key) => key.startsWith(prefixOf(form)));
}

/** Keep what the form holds; false where this browser has no room for it.
 * @param {HTMLFormElement} form
 */
export function keep(form) {
  const draft = { when: Date.now(), fields: fieldsOf(form) };
  return stored((storage) => {
    storage.setItem(keyOf(form), JSON.stringify(draft));
    return true;
  }, false);
}

/** @param {string} key @returns {Draft | null} null where nothing usable is kept */
export function read(key) {
  return stored((storage) => {
    const draft = JSON.parse(storage.getItem(key) ?? "");
    return typeof draft.when === "number" && typeof draft.fields === "object" ? draft : null;
  }, null);
}

/** @param {string} key */
export function drop(key) {
  stored((storage) => storage.removeItem(key), undefined);
}

/**
 * What localStorage answers, or `otherwise` where it is off, full, or holds what we did not write.
 * @template T
 * @param {(storage: Storage) => T} use
 * @param {T} otherwise
 * @returns {T}
 */
function stored(use, otherwise) {
  try {
    return use(localStorage);
  } catch {
    return otherwise;
  }
}

/** @param {string | undefined} text */
function clean(text) {
  return (text ?? "").replaceAll("\r\n", "\n");
}

/** @param {HTMLFormElement} form */
function prefixOf(form) {
  return `${JSON.stringify(["draft", form.dataset.person, form.dataset.note])} `;
}

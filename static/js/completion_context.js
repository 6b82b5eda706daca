/** What is being completed at the caret: the beginning of a link, or of a tag. */

/**
 * @typedef {object} Typed
 * @property {"title" | "tag"} kind
 * @property {string} word what is typed of it so far
 * @property {number} start where it begins
 * @property {number} end where it ends, behind the caret
 */

/** @typedef {HTMLInputElement | HTMLTextAreaElement} Field */

// A link may not hold these; behind a bar or a sign the title is complete.
const NO_TITLE = /[[\]|\n]/;

/** @param {Field} field @returns {Typed | null} */
export function typedIn(field) {
  const caret = field.selectionStart ?? 0;
  if (caret !== field.selectionEnd) return null;
  return field instanceof HTMLTextAreaElement ? linkAt(field, caret) : tagAt(field, caret);
}

/** What to write for a name that was chosen. @param {Typed} typed @param {string} name */
export const written = ({ kind }, name) => (kind === "title" ? `${name}]]` : `${name} `);

/** Whether a link can hold it. @param {Typed} typed @param {string} name */
export const fits = ({ kind }, name) => kind === "tag" || !NO_TITLE.test(name);

/** @param {Field} field @param {number} caret @returns {Typed | null} */
function linkAt({ value }, caret) {
  const start = value.lastIndexOf("[[", caret - 1) + 2;
  const word = value.slice(start, caret);
  if (start < 2 || start > caret || !word.trim() || NO_TITLE.test(word)) return null;
  const end = value.startsWith("]]", caret) ? caret + 2 : caret;
  return { kind: "title", word, start, end };
}

/** @param {Field} field @param {number} caret @returns {Typed | null} */
function tagAt({ value }, caret) {
  const before = /[^\s]*$/.exec(value.slice(0, caret))?.[0] ?? "";
  const word = before.replace(/^[-=]+/, "");
  if (!word) return null;
  const rest = /^\S* ?/.exec(value.slice(caret))?.[0] ?? "";
  return { kind: "tag", word, start: caret - word.length, end: caret + rest.length };
}

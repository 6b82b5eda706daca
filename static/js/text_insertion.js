/** Inserting text into a field as if it were typed, so that the browser's undo works. */

/** @typedef {import("./completion_context.js").Field} Field */

/**
 * Put text in place of what stands from start to end; the caret then stands behind it.
 * @param {Field} field
 * @param {number} start
 * @param {number} end
 * @param {string} text
 */
export function insert(field, start, end, text) {
  field.focus({ preventScroll: true });
  field.setSelectionRange(start, end);
  // The one way that leaves undo as it is; a browser without it gets the text all the same.
  if (document.execCommand("insertText", false, text)) return;
  field.setRangeText(text, start, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Where a place of a text is after somebody changed the text. What is typed at the place itself
 * comes behind it; when text around it goes, the place is where that was.
 * @param {number} place
 * @param {string} before
 * @param {string} after
 */
export function moved(place, before, after) {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  if (place <= start) return place;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return place >= before.length - end ? place + after.length - before.length : after.length - end;
}

/** The position of the caret in a text area, measured on a copy of the text: browsers do not tell it. */

const COPIED = [
  "font-family", "font-size", "font-weight", "line-height", "letter-spacing", "tab-size", "direction",
  "padding-top", "padding-right", "padding-bottom", "padding-left", "border-top-width",
  "border-right-width", "border-bottom-width", "border-left-width", "box-sizing", "text-indent",
];

/**
 * Pixels from the top of the field to the lower edge of the line with this place in its text.
 * @param {HTMLTextAreaElement} field
 * @param {number} place
 */
export function lineBelow(field, place) {
  const looks = getComputedStyle(field);
  const copy = document.createElement("div");
  for (const name of COPIED) copy.style.setProperty(name, looks.getPropertyValue(name));
  Object.assign(copy.style, {
    position: "absolute",
    visibility: "hidden",
    whiteSpace: "pre-wrap",
    overflowWrap: "break-word",
    inlineSize: `${field.offsetWidth}px`,
  });
  const mark = document.createElement("span");
  mark.textContent = "\u200b";
  copy.append(field.value.slice(0, place), mark);
  document.body.append(copy);
  const below = mark.offsetTop + mark.offsetHeight - field.scrollTop;
  copy.remove();
  return Math.min(Math.max(below, 0), field.offsetHeight);
}

/** The key / leads to the search box, from wherever nothing is being typed. */

const TYPED_INTO = "input, textarea, select, [contenteditable]";

/** @param {KeyboardEvent} event */
function reach(event) {
  const isTyping = event.target instanceof Element && event.target.matches(TYPED_INTO);
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
  const box = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-slash]"));
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
}

document.addEventListener("keydown", reach);

/**
 * Let code, tables and formulas that are wider than the page be scrolled by keyboard. Most
 * browsers do that by themselves; this is for those that do not. And let it be seen at which
 * side they go on.
 */

const WIDE = "pre:not([tabindex]), .scroll:not([tabindex]), .formula:not([tabindex])";
const sizes = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target)));

/** @param {Element} element */
function reach(element) {
  if (element.scrollWidth > element.clientWidth) element.setAttribute("tabindex", "0");
  else element.removeAttribute("tabindex");
  cut(element);
}

/** Mark the sides at which something is out of sight. @param {Element} element */
function cut(element) {
  const behind = Math.abs(element.scrollLeft); // negative where text runs from right to left
  const ahead = element.scrollWidth - element.clientWidth - behind;
  element.classList.toggle("cut-start", behind > 1);
  element.classList.toggle("cut-end", ahead > 1);
}

/** Look after what is on the page now. */
function look() {
  document.querySelectorAll(WIDE).forEach((element) => sizes.observe(element));
}

look();
// A preview comes later.
new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
// Scrolling is told to the element alone, so it is heard on its way down.
document.addEventListener(
  "scroll",
  ({ target }) => target instanceof Element && target.matches(".scroll, .formula, pre") && cut(target),
  { capture: true, passive: true },
);
// A formula grows when the font for it arrives, and its box does not.
document.fonts.ready.then(() => document.querySelectorAll(WIDE).forEach(reach));

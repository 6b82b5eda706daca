/**
 * Let code, tables and formulas that are wider than the page be scrolled by keyboard. Most
 * browsers do that by themselves; this is for those that do not.
 */

const WIDE = "pre:not([tabindex]), .scroll:not([tabindex]), .formula:not([tabindex])";
const sizes = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target)));

/** @param {Element} element */
function reach(element) {
  if (element.scrollWidth > element.clientWidth) element.setAttribute("tabindex", "0");
  else element.removeAttribute("tabindex");
}

/** Look after what is on the page now. */
function look() {
  document.querySelectorAll(WIDE).forEach((element) => sizes.observe(element));
}

look();
// A preview comes later.
new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
// A formula grows when the font for it arrives, and its box does not.
document.fonts.ready.then(() => document.querySelectorAll(WIDE).forEach(reach));

/**
 * Let code, tables and formulas that are wider than the page be scrolled by keyboard. Most
 * browsers do that by themselves; this is for those that do not.
 */

const WIDE = "pre:not([tabindex]), .scroll:not([tabindex]), .formula:not([tabindex])";

/** @param {Element} element */
function reach(element) {
  if (element.scrollWidth > element.clientWidth) element.setAttribute("tabindex", "0");
  else element.removeAttribute("tabindex");
}

const found = [...document.querySelectorAll(WIDE)];
const sizes = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target)));
found.forEach((element) => sizes.observe(element));
// A formula grows when the font for it arrives, and its box does not.
document.fonts.ready.then(() => found.forEach(reach));

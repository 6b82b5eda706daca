// Copying a text with formulas gives their TeX, as it was typed, between the words around them.

// What LaTeX knows without dollars, and refuses between them.
const ENVIRONMENT =
  /^\\begin\{((?:align|alignat|eqnarray|equation|flalign|gather|multline)\*?|subequations)\}[^]*\\end\{\1\}$/;

/**
 * @param {Element} formula a <math>, or the source of one that could not be set
 * @returns {string} its TeX with its dollars, if it has any
 */
function source(formula) {
  const tex = formula.querySelector("annotation, code")?.textContent ?? "";
  if (ENVIRONMENT.test(tex)) return tex;
  return formula.getAttribute("display") === "block" ? `$$${tex}$$` : `$${tex}$`;
}

/** @param {Node} node @returns {Element | undefined} the formula that this is in */
function formulaAround(node) {
  const element = node instanceof Element ? node : node.parentElement;
  return element?.closest("math, .unset") ?? undefined;
}

/**
 * @param {Range} range
 * @returns {DocumentFragment} what it holds, with whole formulas at its ends, each as its TeX
 */
function withSources(range) {
  const whole = range.cloneRange();
  const [first, last] = [range.startContainer, range.endContainer].map(formulaAround);
  if (first) whole.setStartBefore(first);
  if (last) whole.setEndAfter(last);
  const copied = whole.cloneContents();
  for (const formula of copied.querySelectorAll("math, .unset"))
    formula.replaceWith(source(formula));
  return copied;
}

/** @param {ClipboardEvent} event */
export function copySources(event) {
  const selection = getSelection();
  const inField = event.target instanceof Element && event.target.closest("input, textarea");
  if (!selection || selection.isCollapsed || inField || !event.clipboardData) return;
  const ranges = Array.from({ length: selection.rangeCount }, (_, i) => selection.getRangeAt(i));
  const formulas = [...document.querySelectorAll("math, .unset")];
  if (!ranges.some((range) => formulas.some((formula) => range.intersectsNode(formula)))) return;
  // Only what is in the page knows where its lines end.
  const holder = document.createElement("div");
  holder.className = "vh";
  holder.append(...ranges.map(withSources));
  document.body.append(holder);
  event.clipboardData.setData("text/plain", holder.innerText);
  event.clipboardData.setData("text/html", holder.innerHTML);
  holder.remove();
  event.preventDefault();
}

document.addEventListener("copy", copySources);

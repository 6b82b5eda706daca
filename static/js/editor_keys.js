/** Keyboard shortcuts of the editor; Tab keeps its meaning. */

/**
 * Ctrl or Cmd with S saves, with Enter previews.
 * @param {() => void} save
 * @param {() => void} preview
 */
export function listen(save, preview) {
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    if (event.key === "s") save();
    else if (event.key === "Enter") preview();
    else return;
    event.preventDefault();
  });
}

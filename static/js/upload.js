/** One upload, and the line that shows its progress, or why it failed. */

export class Upload {
  stop = new AbortController();

  /**
   * @param {File} file
   * @param {number} place in the text; it is followed while somebody types
   * @param {{typed: number, caret: number}} added how much had been typed, and where the caret was
   */
  constructor(file, place, added) {
    this.file = file;
    this.name = file.name;
    this.place = place;
    this.added = added;
    this.line = document.createElement("li");
    this.bar = document.createElement("progress");
    this.bar.setAttribute("aria-label", this.name);
    this.told = document.createElement("span");
    this.buttons = document.createElement("span");
    this.buttons.className = "words touch-links";
    const shown = document.createElement("bdi");
    shown.textContent = this.name;
    this.line.append(shown, this.bar, this.told, this.buttons);
  }

  /** @param {() => void} cancel */
  wait(cancel) {
    this.stop = new AbortController();
    this.line.className = "";
    this.told.removeAttribute("role");
    this.bar.hidden = false;
    this.bar.value = 0;
    this.told.textContent = "waiting";
    this.offer({ cancel });
  }

  /** @param {number} share of it that is sent, from 0 to 1 */
  show(share) {
    this.bar.value = share;
    this.told.textContent = share < 1 ? `${Math.floor(100 * share)} %` : "the server reads it";
  }

  /** It is not there. @param {string} sentence @param {Record<string, () => void>} ways what to do */
  fail(sentence, ways) {
    this.line.className = "say bad";
    this.bar.hidden = true;
    // A role that is there before the words makes sure that they are read out.
    this.told.setAttribute("role", "alert");
    this.told.textContent = sentence;
    this.offer(ways);
  }

  /** @param {Record<string, () => void>} ways by what its button says */
  offer(ways) {
    const hadFocus = this.buttons.contains(document.activeElement);
    const buttons = Object.entries(ways).map(([words, press]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "word";
      button.textContent = words;
      button.setAttribute("aria-label", `${words}: ${this.name}`);
      button.addEventListener("click", press);
      return button;
    });
    this.buttons.replaceChildren(...buttons);
    if (hadFocus) buttons[0]?.focus();
  }

  /** @param {HTMLElement} next gets the focus if one of its buttons had it */
  remove(next) {
    const hadFocus = this.line.contains(document.activeElement);
    this.line.remove();
    if (hadFocus) next.focus();
  }
}

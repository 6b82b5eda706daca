/** The conflict page: a button replaces a place of the text by one version; the browser's undo works. */

/** @typedef {{start: number, end: number, mine: string, theirs: string}} Found */

const UNDECIDED = "Take one of them, or write a third in the text below, then save.";
const DECIDED = "No place holds two versions any more. Read the text once more, then save.";

/**
 * Where a place stands in the text, with the line feed behind it; null once a mark is gone.
 * @param {string} text
 * @param {string[]} marks its three lines
 * @returns {Found | null}
 */
export function find(text, marks) {
  const [above, between, below] = marks.map((mark) => `${mark}\n`);
  // A line feed at both ends: every mark is a whole line.
  const whole = `\n${text}\n`;
  const start = whole.indexOf(`\n${above}`);
  const middle = start < 0 ? -1 : whole.indexOf(`\n${between}`, start + above.length);
  const stop = middle < 0 ? -1 : whole.indexOf(`\n${below}`, middle + between.length);
  if (stop < 0) return null;
  return {
    start,
    end: Math.min(stop + below.length, text.length),
    mine: whole.slice(start + 1 + above.length, middle + 1),
    theirs: whole.slice(middle + 1 + between.length, stop + 1),
  };
}

class Places {
  /** @param {HTMLTextAreaElement} field @param {HTMLElement[]} sections */
  constructor(field, sections) {
    this.field = field;
    this.sections = sections;
    field.addEventListener("input", () => this.renew());
    for (const section of sections) {
      for (const button of section.querySelectorAll("button")) {
        button.addEventListener("click", (event) => this.take(event, section, button));
      }
    }
  }

  /** @param {HTMLElement} section */
  find(section) {
    return find(this.field.value, (section.dataset.marks ?? "").split("\n"));
  }

  /** @param {Event} event @param {HTMLElement} section @param {HTMLButtonElement} button */
  take(event, section, button) {
    const found = this.find(section);
    if (!found) return; // the server says what is the matter
    event.preventDefault();
    const atEnd = found.end === this.field.value.length && !this.field.value.endsWith("\n");
    const version = button.dataset.take === "mine" ? found.mine : found.theirs;
    const text = atEnd ? version.replace(/\n$/, "") : version;
    this.field.focus();
    this.field.setSelectionRange(found.start, found.end);
    // The one way that leaves undo as it is; a browser without it gets the text all the same.
    if (!document.execCommand(text ? "insertText" : "delete", false, text)) {
      this.field.setRangeText(text, found.start, found.end, "end");
      this.field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const next = this.sections.find((other) => this.find(other));
    (next?.querySelector("button") ?? this.field.form?.querySelector("button.do"))?.focus();
  }

  renew() {
    const undecided = this.sections.filter((section) => !section.dataset.marks || this.find(section));
    for (const section of this.sections.filter((each) => each.dataset.marks)) {
      const isDecided = !undecided.includes(section);
      section.classList.toggle("decided", isDecided);
      section.querySelector("[data-decided]")?.toggleAttribute("hidden", !isDecided);
      for (const button of section.querySelectorAll("button")) button.disabled = isDecided;
    }
    const status = document.querySelector("[data-undecided]");
    if (!status) return;
    const isOne = undecided.length === 1;
    const sentence = `Not saved: ${undecided.length} place${isOne ? "" : "s"} in the text still hold${isOne ? "s" : ""} both versions. ${UNDECIDED}`;
    status.classList.toggle("bad", undecided.length > 0);
    status.textContent = undecided.length ? sentence : DECIDED;
  }
}

const field = document.querySelector("#write textarea[name=body]");
const sections = [...document.querySelectorAll("[data-place]")];
if (field instanceof HTMLTextAreaElement && sections.length) {
  new Places(field, /** @type {HTMLElement[]} */ (sections));
}

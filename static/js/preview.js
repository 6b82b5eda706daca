/** The preview beside the text: htmx fetches it, this says how old it is. */

const FRESH = "preview, made as the saved page will be";
const OLD = "preview, older than the text";
const STALE = "This preview is older than the text, which is kept.";
const FIRST_WAIT_S = 5;
const MAX_WAIT_S = 60;
const SHOWN = ["title", "body"];

const REFUSALS = new Map([
  [403, "You are signed out; saving asks you to sign in."],
  [413, "The text is too large to be sent."],
]);

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} preview carries the htmx attributes
 */
export function watch(form, preview) {
  const words = /** @type {HTMLElement} */ (preview.querySelector("[data-age]"));
  let typed = 0;
  let asked = 0;
  let retry = 0;
  let wait_s = FIRST_WAIT_S;

  /** @param {string} state @param {string} sentence */
  function say(state, sentence) {
    preview.dataset.state = state;
    if (words.textContent !== sentence) words.textContent = sentence;
  }

  /** Asking again at once would be refused again. @param {string} reason */
  function refused(reason) {
    clearTimeout(retry);
    say("failed", `${reason} The preview is asked again when you type. ${STALE}`);
  }

  /** @param {string} reason */
  function failed(reason) {
    clearTimeout(retry);
    retry = setTimeout(again, wait_s * 1_000);
    say("failed", `${reason} It is asked again in ${wait_s} seconds. ${STALE}`);
  }

  function again() {
    wait_s = Math.min(2 * wait_s, MAX_WAIT_S);
    refresh(preview);
  }

  form.addEventListener("input", ({ target }) => {
    if (target !== form && !SHOWN.includes(/** @type {HTMLInputElement} */ (target).name)) return;
    typed += 1;
    if (preview.dataset.state !== "failed") say("old", OLD);
  });
  preview.addEventListener("htmx:before:request", () => (asked = typed));
  preview.addEventListener("htmx:before:response", (event) => {
    const { status } = /** @type {CustomEvent} */ (event).detail.ctx.response;
    if (status === 200) return;
    event.preventDefault();
    if (status >= 400 && status < 500) refused(REFUSALS.get(status) ?? "The server refuses to make it.");
    else failed("The server could not make it.");
  });
  preview.addEventListener("htmx:after:swap", () => {
    clearTimeout(retry);
    wait_s = FIRST_WAIT_S;
    if (asked === typed) say("fresh", FRESH);
    else say("old", OLD);
  });
  preview.addEventListener("htmx:error", () => failed("The server cannot be reached."));
}

/** Ask for the preview now. @param {HTMLElement} preview */
export function refresh(preview) {
  preview.dispatchEvent(new Event("preview"));
}

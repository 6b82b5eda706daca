/** The preview beside the text: htmx fetches it, this says how old it is. */

const FRESH = "preview, made as the saved page will be";
const OLD = "preview, older than the text";
const LEAST_WAIT_MS = 5_000;
const MOST_WAIT_MS = 60_000;
const SHOWN = ["title", "body"];

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} preview carries the htmx attributes
 */
export function watch(form, preview) {
  const words = /** @type {HTMLElement} */ (preview.querySelector("[data-age]"));
  let typed = 0;
  let asked = 0;
  let retry = 0;
  let waitMs = LEAST_WAIT_MS / 2;

  /** @param {string} state @param {string} sentence */
  function say(state, sentence) {
    preview.dataset.state = state;
    if (words.textContent !== sentence) words.textContent = sentence;
  }

  /** @param {string} reason @param {boolean} again whether the same text may succeed later */
  function failed(reason, again) {
    say("failed", `${reason} This preview is older than the text, which is kept.`);
    clearTimeout(retry);
    if (again) retry = setTimeout(() => refresh(preview), (waitMs = Math.min(2 * waitMs, MOST_WAIT_MS)));
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
    const reason = status === 403 ? "You are signed out; saving asks you to sign in." : "The server could not make it.";
    failed(reason, status >= 500);
  });
  preview.addEventListener("htmx:after:swap", () => {
    clearTimeout(retry);
    waitMs = LEAST_WAIT_MS / 2;
    if (asked === typed) say("fresh", FRESH);
    else say("old", OLD);
  });
  preview.addEventListener("htmx:error", () => failed("The server cannot be reached.", true));
}

/** Ask for the preview now. @param {HTMLElement} preview */
export function refresh(preview) {
  preview.dispatchEvent(new Event("preview"));
}

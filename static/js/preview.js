/** The preview beside the text: htmx fetches it, this says how old it is. */

const FRESH = "preview, made as the saved page will be";
const OLD = "preview, older than the text";
const RETRY_MS = 5_000;
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

  /** @param {string} state @param {string} sentence */
  function say(state, sentence) {
    preview.dataset.state = state;
    if (words.textContent !== sentence) words.textContent = sentence;
  }

  /** @param {string} reason */
  function failed(reason) {
    say("failed", `${reason} This preview is older than the text, which is kept.`);
    clearTimeout(retry);
    retry = setTimeout(() => refresh(preview), RETRY_MS);
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
    failed(status === 403 ? "You are signed out; saving asks you to sign in." : "The server could not make it.");
  });
  preview.addEventListener("htmx:after:swap", () => {
    clearTimeout(retry);
    if (asked === typed) say("fresh", FRESH);
    else say("old", OLD);
  });
  preview.addEventListener("htmx:error", () => failed("The server cannot be reached."));
}

/** Ask for the preview now. @param {HTMLElement} preview */
export function refresh(preview) {
  preview.dispatchEvent(new Event("preview"));
}

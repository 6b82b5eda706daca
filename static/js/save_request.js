/** The request that saves the form: the page is left only when the server has the text. */

const TIMEOUT_MS = 60_000;

const REFUSALS = new Map([
  [413, "This text is too large to be sent. Move a part of it into a second note, then save."],
  [429, "The server asks to wait a moment. Save again in a minute."],
  [503, "The database does not answer just now. Wait a moment, then save again."],
]);

/**
 * Send the form. Returns the note's address once the text is saved; an empty text when the
 * server has something to say that needs its own page (a conflict, a problem, a login).
 * Throws a sentence for the writer when the text did not arrive.
 * @param {HTMLFormElement} form
 * @returns {Promise<string>}
 */
export async function send(form) {
  const sent = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  /** @type {Response} */
  let reply;
  try {
    reply = await fetch(form.action, {
      method: "POST",
      body: sent,
      headers: { Prefer: "return=minimal" }, // the address will do: the page is read on arrival
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Error("The server does not answer, so this may not be saved yet. Save again.");
  }
  const address = reply.headers.get("Location");
  if (reply.status === 204 && address) return address;
  const refusal = REFUSALS.get(reply.status);
  if (refusal || reply.status >= 500) {
    throw new Error(refusal ?? "Something went wrong on the server. Save again in a moment.");
  }
  return "";
}

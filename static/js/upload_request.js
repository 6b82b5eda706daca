/** The request that sends one file, and the messages when it fails. */

// The second says for which form the file is, while its note is not saved yet.
const SENT_ALONG = ["csrfmiddlewaretoken", "submission"];
const AWAY = "The server cannot be reached. Try again when you are connected.";
const BROKEN = "The server could not keep it. Try again in a moment.";
const REFUSALS = new Map([
  [403, "You are signed out. Save the note, which asks you to sign in and keeps the text; then add the file again."],
  [408, "The connection was too slow. Try again."],
  [413, "It is larger than the server takes. Make it smaller, or link to where it lies."],
]);

/**
 * Send a file for the note of a form; returns what to write into the text. Throws a sentence,
 * an empty one when it was aborted.
 * @param {string} url
 * @param {HTMLFormElement} form
 * @param {File} file
 * @param {(share: number) => void} progress how much of it is sent, from 0 to 1
 * @param {AbortSignal} signal
 * @returns {Promise<string>}
 */
export function send(url, form, file, progress, signal) {
  const all = new FormData(form);
  const fields = new FormData();
  for (const name of SENT_ALONG) fields.append(name, all.get(name) ?? "");
  fields.append("file", file, file.name);
  const request = new XMLHttpRequest(); // fetch does not tell how much of it is sent
  request.upload.addEventListener("progress", ({ loaded, total }) => progress(loaded / (total || 1)));
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve, reject) => {
    request.addEventListener("load", () => {
      const { markdown, error } = answer(request);
      if (request.status === 201 && markdown) resolve(markdown);
      else reject(new Error(error || (REFUSALS.get(request.status) ?? BROKEN)));
    });
    request.addEventListener("error", () => reject(new Error(AWAY)));
    request.addEventListener("abort", () => reject(new Error("")));
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    request.send(fields);
  });
}

/** @param {XMLHttpRequest} request @returns {{markdown?: string, error?: string}} */
function answer(request) {
  try {
    return JSON.parse(request.responseText) ?? {};
  } catch {
    return {};
  }
}

/**
 * Locks that one open page of this browser holds at a time: Web Locks, or where there are none
 * (outside a secure context, such as http:// on a local network), a question to the other pages.
 */

const TIMEOUT_MS = 500; // a page that is being left may release a moment later
const ANSWER_MS = 200;

/** @type {Map<string, () => void>} how to release each name */
const held = new Map();

/**
 * Hold a name until release, or until this page is left. False where another page holds it.
 * @param {string} name
 * @returns {Promise<boolean>}
 */
export async function hold(name) {
  if (held.has(name)) return true;
  try {
    return await (navigator.locks ? lock(name) : ask(name));
  } catch {
    return true; // the browser allows this site neither; then it allows it no storage to share
  }
}

/** @param {string} name */
export function release(name) {
  held.get(name)?.();
  held.delete(name);
}

/** @param {string} name @returns {Promise<boolean>} */
function lock(name) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  return new Promise((resolve, reject) => {
    const granted = () => {
      resolve(true);
      return new Promise((/** @type {(value?: unknown) => void} */ done) => held.set(name, done));
    };
    navigator.locks
      .request(name, { signal: timeout }, granted)
      .catch((error) => (timeout.aborted ? resolve(false) : reject(error)));
  });
}

/** @param {string} name @returns {Promise<boolean>} */
async function ask(name) {
  const channel = new BroadcastChannel(name);
  const isHeld = await new Promise((resolve) => {
    channel.onmessage = ({ data }) => data === "mine" && resolve(true);
    channel.postMessage("whose?");
    setTimeout(() => resolve(false), ANSWER_MS);
  });
  if (isHeld) {
    channel.close();
    return false;
  }
  channel.onmessage = ({ data }) => data === "whose?" && channel.postMessage("mine");
  held.set(name, () => channel.close());
  return true;
}

// A page that the browser keeps for Back is not open: others may take over what it left.
addEventListener("pagehide", () => [...held.keys()].forEach(release));

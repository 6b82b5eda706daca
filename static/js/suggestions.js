/** Suggestions of the server for what is typed; only the latest request counts. */

const MAX_LENGTH = 300;

/** @type {Map<string, string[]>} */
const known = new Map();
let asked = new AbortController();

/**
 * Titles or tags that fit, best first; none when the server does not answer.
 * @param {"title" | "tag"} kind
 * @param {string} typed
 * @returns {Promise<string[] | null>} null when something else was asked meanwhile
 */
export async function suggestions(kind, typed) {
  asked.abort();
  asked = new AbortController();
  const query = new URLSearchParams({ kind, q: typed.slice(0, MAX_LENGTH) });
  const address = `${document.querySelector("[data-suggest]")?.getAttribute("data-suggest")}?${query}`;
  const before = known.get(address);
  if (before) return before;
  try {
    const reply = await fetch(address, { signal: asked.signal });
    const said = reply.ok ? await reply.json() : { titles: [], tags: [] };
    const names = kind === "tag"
      ? said.tags.map((/** @type {{name: string}} */ tag) => tag.name)
      : said.titles.map((/** @type {{title: string}} */ note) => note.title);
    if (reply.ok) known.set(address, names);
    return names;
  } catch (error) {
    return /** @type {Error} */ (error).name === "AbortError" ? null : [];
  }
}

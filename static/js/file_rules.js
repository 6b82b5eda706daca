/** Which files a note accepts, checked before anything is sent. */

const MEGABYTE = 1024 * 1024;
// Phones write these; the server cannot take out of them where they were taken.
const UNREADABLE = /\.(heic|heif|avif)$|^image\/(heic|heif|avif)/i;

/**
 * Why a file cannot be added; empty if it can.
 * @param {File} file
 * @param {number} most MB
 */
export function refusal({ name, size, type }, most) {
  if (UNREADABLE.test(name) || UNREADABLE.test(type)) {
    return "Not every browser shows this kind of picture. Save it as JPEG or PNG, then add it.";
  }
  if (size === 0) return "It is empty. Choose another file.";
  if (size <= most * MEGABYTE) return "";
  const has = Math.ceil(size / MEGABYTE);
  return `It has ${has} MB, and a file has at most ${most} MB. Make it smaller, or link to where it lies.`;
}

/**
 * The files that were pasted or dropped; null if it was something else, text for example.
 * @param {DataTransfer | null} data
 * @returns {File[] | null}
 */
export function filesIn(data) {
  // A table copied out of an office program comes as text, and as a picture of it besides.
  if (!data?.files.length || data.types.includes("text/plain")) return null;
  return [...data.files].map(named);
}

/** Browsers call every pasted picture the same; the time tells them apart. @param {File} file */
function named(file) {
  if (!/^image\.\w+$/.test(file.name)) return file;
  const when = new Date().toISOString().slice(0, 19).replace(/\D/g, "");
  return new File([file], file.name.replace("image", `pasted-${when}`), { type: file.type });
}

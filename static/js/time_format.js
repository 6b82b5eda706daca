/** Times in the format of the site, in local time. */

/** Date and minute: 05-17-2022 20:25. @param {Date} when */
export function minutes(when) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const day = [two(when.getMonth() + 1), two(when.getDate()), when.getFullYear()].join("-");
  return `${day} ${two(when.getHours())}:${two(when.getMinutes())}`;
}

/** The second: 20:25:09. @param {Date} when */
export function seconds(when) {
  return when.toTimeString().slice(0, 8);
}

/** A button that prints the page: only where a script runs can one work. */

const place = document.querySelector("[data-print]");
const button = document.createElement("button");
button.type = "button";
button.className = "word";
button.textContent = "print";
button.addEventListener("click", () => print());
place?.append(" / ", button);

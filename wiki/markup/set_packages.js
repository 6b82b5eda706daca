// A small part of three packages of LaTeX: physics, siunitx, mhchem. What is not here is refused
// in words. Stands between Temml and set_formula.js.

const refuse = (sentence) => { throw new temml.ParseError(sentence); };
const nextText = (context) => (context.consumeSpaces(), context.future().text);
/** The source of an argument, as far as its tokens tell. */
const sourceOf = (context) =>
  context.consumeArgs(1)[0].slice().reverse()
    .map(({text}) => (/^\\[A-Za-z]+$/.test(text) ? `${text} ` : text)).join("");
const optional = (context) =>
  nextText(context) === "["
    ? (context.popToken(), context.consumeArg(["]"]).tokens.slice().reverse().map(({text}) => text).join(""))
    : "";

// physics: \dv{x} \dv{f}{x} \dv[n]{f}{x}, and \pdv, which also takes \pdv{f}{x}{y}
for (const [name, d] of [["\\dv", "\\mathrm{d}"], ["\\pdv", "\\partial"]])
  temml.__defineMacro(name, (context) => {
    if (nextText(context) === "*") refuse(`\\${name.slice(1)}* is not known here: leave the star out`);
    const order = optional(context);
    const parts = [sourceOf(context)];
    while (parts.length < (d === "\\partial" ? 3 : 2) && nextText(context) === "{") parts.push(sourceOf(context));
    const [of, ...by] = parts.length > 1 ? parts : ["", ...parts];
    const names = by.flatMap((one) => (by.length === 1 ? one.split(",") : [one]));
    const power = order || (names.length > 1 ? String(names.length) : "");
    const raised = power ? `^{${power}}` : "";
    const below = names.map((one) => `${d} ${one}`).join("\\,");
    return `\\frac{${d}${raised} ${of}}{${below}${order ? raised : ""}}`;
  });

// siunitx: numbers, and units of letters or of these names
const UNITS = {
  ...{meter: "m", metre: "m", second: "s", gram: "g", ampere: "A", kelvin: "K", mole: "mol", candela: "cd"},
  ...{hertz: "Hz", newton: "N", pascal: "Pa", joule: "J", watt: "W", coulomb: "C", volt: "V", farad: "F"},
  ...{ohm: "\\Omega", siemens: "S", tesla: "T", henry: "H", liter: "L", litre: "L", bit: "bit", byte: "B"},
  ...{electronvolt: "eV", minute: "min", hour: "h", day: "d", percent: "\\%", bar: "bar", radian: "rad"},
  ...{celsius: "^{\\circ}C", degreeCelsius: "^{\\circ}C", degree: "^{\\circ}", dalton: "Da"},
};
const PREFIXES = {
  ...{kilo: "k", mega: "M", giga: "G", tera: "T", peta: "P", hecto: "h", deca: "da"},
  ...{deci: "d", centi: "c", milli: "m", micro: "\\mu ", nano: "n", pico: "p", femto: "f"},
};

function unit(source) {
  const pieces = source.match(/\\[A-Za-z]+|[^\\]/g) ?? [];
  let per = false, prefix = "", out = "";
  for (const piece of pieces.filter((one) => one.trim())) {
    const name = piece.slice(1);
    if (piece[0] !== "\\") {
      if (!/[A-Za-z0-9%^{}().,/*-]/.test(piece)) refuse(`The unit ${source} is not known here`);
      out += piece === "." || piece === "*" ? "\\,\\mathrm{}" : piece;
    } else if (name in PREFIXES) prefix += PREFIXES[name];
    else if (name === "per") per = true;
    else if (name === "squared" || name === "cubed") {
      const power = name === "squared" ? "2" : "3";
      out = /\^\{-1\}$/.test(out) ? out.replace(/1\}$/, `${power}}`) : `${out}^{${power}}`;
    } else if (name in UNITS) {
      out += `${out ? "\\," : ""}${prefix}${UNITS[name]}${per ? "^{-1}" : ""}`;
      per = false, prefix = "";
    } else refuse(`The unit \\${name} is not known here`);
  }
  return `\\mathrm{${out}}`;
}

function number(source) {
  const found = /^\s*([+-]?)\s*([\d.,]*)\s*(?:\((\d+)\)|(?:\+-|\\pm\s*)([\d.,]+))?\s*(?:[eE]([+-]?\d+))?\s*$/.exec(source);
  if (!found || !(found[2] || found[5])) refuse(`The number ${source} is not known here`);
  const [, sign, digits, brackets, error, power] = found;
  const value = `${sign}${digits.replace(/,/g, "{,}")}${brackets ? `(${brackets})` : ""}${error ? `\\pm ${error}` : ""}`;
  return power ? `${value}${digits ? "\\times " : ""}10^{${power}}` : value;
}

const DEFINED = {"\\si": 0, "\\unit": 0, "\\num": 1, "\\SI": 2, "\\qty": 2};
for (const [name, kind] of Object.entries(DEFINED))
  temml.__defineMacro(name, (context) => {
    if (optional(context)) refuse(`The options of ${name} are not known here`);
    const first = sourceOf(context);
    if (kind === 0) return `{${unit(first)}}`;
    return kind === 1 ? `{${number(first)}}` : `{${number(first)}\\,${unit(sourceOf(context))}}`;
  });

// mhchem: formulas of compounds, charges, states, and reactions between them
const ARROWS = {
  "->": "\\longrightarrow ", "<-": "\\longleftarrow ", "<->": "\\longleftrightarrow ",
  "<=>": "\\rightleftharpoons ", "=": "=", "+": "+",
};
const SPECIES = /(?<element>[A-Z][a-z]?)|(?<count>\d+)|(?<charge>\^\{?(?:\d*[+-]|\d+)\}?)|(?<sub>_\{?[0-9n]+\}?)|(?<open>[([])|(?<close>[)\]])|(?<state>\((?:aq|s|l|g)\))|(?<sign>[+-](?=$))|(?<dot>[.*])/y;

/** One compound, such as 2 SO4^2- or Fe(OH)3(s). */
function species(word) {
  let out = "", at = 0, isFirst = true;
  while (at < word.length) {
    const state = /^\((?:aq|s|l|g)\)/.exec(word.slice(at));
    if (state) { out += `\\mathrm{${state[0]}}`; at += state[0].length; continue; }
    SPECIES.lastIndex = at;
    const groups = SPECIES.exec(word)?.groups ?? refuse(`\\ce{${word}} is more chemistry than is known here`);
    const {element, count, charge, sub, open, close, sign} = groups;
    if (element) out += `\\mathrm{${element}}`;
    else if (count) out += isFirst ? `${count}\\,` : `_{${count}}`;
    else if (charge) out += `^{${charge.replace(/[{}^]/g, "")}}`;
    else if (sub) out += `_{${sub.replace(/[{}_]/g, "")}}`;
    else if (sign) out += `^{${sign}}`;
    else out += open ?? close ?? "\\cdot ";
    isFirst = !(element || count || sub || charge || open || close || sign);
    at = SPECIES.lastIndex;
  }
  return out;
}

temml.__defineMacro("\\ce", (context) => {
  const words = sourceOf(context).trim().split(/\s+/);
  return `{${words.map((word) => ARROWS[word] ?? species(word)).join("\\,")}}`;
});

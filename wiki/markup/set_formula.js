// Runs beside Temml in the server's interpreter; MACROS, SHORTHANDS and LIMITS come from temml.py.

/** A command that Temml reads as its own, whatever a note makes of its name. */
const primitive = (text) => ({text, noexpand: true});
/** What a macro gives: tokens, the last first, as Temml keeps them. */
const expansion = (...tokens) =>
  ({tokens: tokens.map((one) => (typeof one === "string" ? {text: one} : one)).reverse(), numArgs: 0});
const argument = (context) => context.consumeArgs(1)[0].slice().reverse();
const stringOf = (tokens) => tokens.map((one) => one.text).join("");

// Names of labels that the formula at hand gives and points to; Temml is told their places here.
let labels = [];
let references = [];
let builtin;  // a gullet without any macros of a note
temml.__defineMacro("\\@builtin", (context) => ((builtin = context), ""));
temml.__parse("\\@builtin", {});

for (const [name, body] of Object.entries(MACROS)) temml.__defineMacro(name, body);
// Temml makes an exponent of what is set over letters, but knows what \stackrel is.
temml.__defineMacro("\\overset", () => expansion(primitive("\\stackrel")));
temml.__defineMacro("\\label", (context) => {
  const place = labels.push(stringOf(argument(context))) - 1;
  return expansion(primitive("\\label"), "{", ...String(place), "}");
});
for (const name of ["\\ref", "\\eqref"])
  temml.__defineMacro(name, (context) => {
    const place = references.push(stringOf(argument(context))) - 1;
    const pointer = [primitive(name), "{", ...String(place), "}"];
    return expansion(...(context.mode === "text" ? ["$", ...pointer, "$"] : pointer));
  });

/** Read what \newcommand defines: {name}[arguments][first if left out]{body}. */
function readDefinition(context) {
  const next = () => (context.consumeSpaces(), context.future().text);
  const option = () => (next() === "[" ? (context.popToken(), context.consumeArg(["]"]).tokens) : null);
  if (next() === "*") context.popToken();
  const [{text: name}, ...more] = argument(context);
  if (more.length || /^(?:[{}$&#^_]|EOF)$/.test(name)) throw new temml.ParseError("Expected a control sequence");
  const count = stringOf(option() ?? []) || "0";
  if (!/^[0-9]$/.test(count)) throw new temml.ParseError(`Invalid number of arguments: "${count}"`);
  return {name, numArgs: Number(count), first: option(), tokens: context.consumeArg().tokens};
}

function define({name, numArgs, first, tokens}, context) {
  if (first === null || numArgs === 0) return context.macros.set(name, {tokens, numArgs});
  // As in LaTeX: whether a bracket follows decides, and a second command takes what is in it.
  const inner = `${name}@option`;
  const given = [{text: inner}, {text: "["}, {text: "{"}, ...first.slice().reverse(), {text: "}"}, {text: "]"}];
  const choice = ["\\@ifnextchar", "[", "{", inner, "}", "{", ...given, "}"];
  context.macros.set(name, expansion(...choice));
  const delimiters = [["["], ["]"], ...Array(numArgs - 1).fill([])];
  context.macros.set(inner, {tokens, numArgs, delimiters});
}

// A note's own definition counts, also of a name that Temml has and LaTeX has not.
for (const name of ["\\newcommand", "\\renewcommand", "\\providecommand"])
  temml.__defineMacro(name, (context) => {
    const definition = readDefinition(context);
    const isKept = name === "\\providecommand" && context.isDefined(definition.name);
    if (!isKept) define(definition, context);
    return expansion();
  });

// Temml would give the place of a label to its row alone, and of its last cell alone.
const anyNode = Object.getPrototypeOf(temml.__renderToMathMLTree("x", {}));
anyNode.setLabel = function (place) { this.setAttribute("id", place); };

// Temml forgets at the end of a formula what it defined; here it holds to the end of the note.
let defining = {};
temml.__defineMacro("\\@watch", (context) => {
  context.endGroup = function () {
    if (this.macros.undefStack.length === 1) defining = {...this.macros.current};
    Object.getPrototypeOf(this).endGroup.call(this);
  };
  return "";
});

// One interpreter serves the formulas of many people: none may change what the next one meets.
for (const kind of [Object, Array, String, Number, RegExp, Map, Set, Function])
  Object.freeze(kind.prototype);

// What Temml defines for its own use while it reads a formula.
const PASSING = new Set(["\\df@tag", "\\@eqnsw", "\\cr"]);

/** A macro as plain data; null if it cannot be kept. */
function recorded(name, macro) {
  const isOwn = !builtin.isDefined(name);
  if (typeof macro === "string") return {isOwn, text: macro};
  if (typeof macro === "function") {
    const alias = Object.keys(builtin.macros.builtins).find((key) => builtin.macros.builtins[key] === macro);
    return alias ? {isOwn, alias} : null;
  }
  const {tokens, numArgs, delimiters, unexpandable} = macro;
  const fixed = tokens.flatMap((one, place) => (one.noexpand ? [place] : []));
  return {isOwn, tokens: tokens.map((one) => one.text), fixed, numArgs, delimiters, unexpandable};
}

function restored(record) {
  if ("text" in record) return record.text;
  if ("alias" in record) return builtin.macros.builtins[record.alias];
  const {tokens, fixed, numArgs, delimiters, unexpandable} = record;
  const kept = tokens.map((text, place) => (fixed.includes(place) ? primitive(text) : {text}));
  return {tokens: kept, numArgs, delimiters, unexpandable};
}

function defined(before, after) {
  const names = Object.keys(after).filter((name) => after[name] !== before[name] && after[name] != null);
  const records = names.filter((name) => !PASSING.has(name)).map((name) => [name, recorded(name, after[name])]);
  return Object.fromEntries(records.filter(([, record]) => record));
}

function attempt(tex, displayMode, given) {
  const options = {...LIMITS, displayMode, macros: {...given}, throwOnError: true, wrap: "tex"};
  labels = [];
  references = [];
  try {
    const mathml = temml.renderToString(`\\@watch ${tex}`, options);
    return {mathml: corrected(mathml), labels, references, defined: defined(given, defining)};
  } catch (error) {
    if (error instanceof temml.ParseError) return {wrong: error.message};
    // Temml looks into what it never found, as in "x^".
    if (error instanceof TypeError) return {wrong: "Expected group"};
    throw error;
  }
}

/**
 * Temml leaves a reference as an empty link for a script in the page; here it is a text. It
 * numbers every line of a multline, which has one number, at its end.
 */
function corrected(mathml) {
  const kept = mathml.replace(
    /<a href='#(\d+)' class="tml-ref( tml-eqref)?"><\/a>/g,
    (_, place, isEquation) => `<mtext class="${isEquation ? "eqref" : "ref"}">${place}</mtext>`,
  ).replace(
    /(;width:7\.5%[^>]*><mtext>)<span class="tml-eqn"><\/span>(?=<\/mtext><\/mtd><\/mtr><mtr)/g,
    "$1",
  );
  return kept.startsWith("<math") ? kept : `<math>${kept}</math>`;
}

/** Set lines that stand in a display formula without an environment; null if there are none. */
function inRows(tex, given) {
  const options = {...LIMITS, displayMode: true, macros: {...given}, throwOnError: true};
  const [first, ...more] = temml.__parse(tex, options);
  const tree = first.type === "tag" ? first.body : [first, ...more];
  const last = tree.findLastIndex((node) => node.type !== "cr");
  if (tree.slice(0, Math.max(last, 0)).some((node) => node.type === "cr"))
    return attempt(`\\begin{gathered}${tex}\n\\end{gathered}`, true, given);
  // The last line ends as the others would.
  const without = tex.replace(/(?:\\\\(?:\s*\[[^\]]*\])?\s*)+$/, "");
  return without === tex ? null : attempt(without, true, given);
}

/** Set a formula, if need be in the second way that its first failure suggests; JSON. */
function setFormula(tex, display, macrosJson) {
  const given = Object.create(null);
  for (const [name, record] of Object.entries(JSON.parse(macrosJson))) given[name] = restored(record);
  const first = attempt(tex, display, given);
  const wrong = first.wrong ?? "";
  let second = null;
  if (display && first.mathml?.includes("<mo></mo>"))
    // A row is a group, so what one defines would not reach the next.
    second = {...inRows(tex, {...defining}), defined: first.defined};
  else if (wrong.includes("Unsupported function name"))
    second = attempt(tex, display, {...SHORTHANDS, ...given});
  else if (wrong.includes("only in display mode"))
    second = attempt(tex, true, given);
  else if (wrong.includes("Expected 'EOF', got '&'"))
    // Columns without an environment: documentation tools add the environment themselves.
    second = attempt("\\begin{aligned}" + tex + "\\end{aligned}", display, given);
  return JSON.stringify(second?.mathml ? second : first);
}

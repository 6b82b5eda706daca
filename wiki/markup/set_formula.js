// Runs beside Temml in the server's interpreter; MACROS, SHORTHANDS and LIMITS come from temml.py.

for (const [name, body] of Object.entries(MACROS)) temml.__defineMacro(name, body);

// One interpreter serves the formulas of many people: none may change what the next one meets.
for (const kind of [Object, Array, String, Number, RegExp, Map, Set, Function])
  Object.freeze(kind.prototype);

function attempt(tex, displayMode, macros) {
  const options = {...LIMITS, displayMode, macros, throwOnError: true, wrap: "tex"};
  try {
    return {mathml: temml.renderToString(tex, options)};
  } catch (error) {
    if (error instanceof temml.ParseError) return {wrong: error.message};
    // Temml looks into what it never found, as in "x^".
    if (error instanceof TypeError) return {wrong: "Expected group"};
    throw error;
  }
}

/** Set a formula, if need be in the second way that its first failure suggests; JSON. */
function setFormula(tex, display) {
  const first = attempt(tex, display, {});
  const wrong = first.wrong ?? "";
  let second = {};
  if (wrong.includes("Unsupported function name"))
    second = attempt(tex, display, {...SHORTHANDS});
  else if (wrong.includes("only in display mode"))
    second = attempt(tex, true, {});
  else if (wrong.includes("Expected 'EOF', got '&'"))
    // Columns without an environment: documentation tools add the environment themselves.
    second = attempt("\\begin{aligned}" + tex + "\\end{aligned}", display, {});
  return JSON.stringify(second.mathml ? second : first);
}

/** A pattern that RE2 (Go's regexp) does not accept, or that this translation does not support. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const COMPILED = new Map<string, RegExp>();
const MAX_CACHED = 1_000;

const POSIX_CLASSES: Record<string, string> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

// RE2's \s is ASCII without the vertical tab; JavaScript's includes Unicode blanks.
const BLANKS = "\\t\\n\\f\\r ";

/**
 * Where flags hold for a group, these letters are written as classes. In a process that has compiled many expressions, V8
 * leaves its optimizations out, and then `(?i:a|b)` does not match `A`.
 */
const CASED = /^\p{L}$/u;

/**
 * Returns the JavaScript expression that matches the same texts as RE2's. Throws `PatternError` for lookaround and
 * backreferences, which RE2 does not have: a real API server refuses a schema with them.
 */
export function compilePattern(source: string): RegExp {
  const known = COMPILED.get(source);
  if (known !== undefined) return known;
  const translated = new Translation(source).run();
  let expression: RegExp;
  try {
    expression = new RegExp(translated, "u");
  } catch (error) {
    throw new PatternError(`error parsing regexp: ${(error as Error).message}`);
  }
  if (COMPILED.size >= MAX_CACHED) COMPILED.clear();
  COMPILED.set(source, expression);
  return expression;
}

class Translation {
  readonly #source: string;
  #at = 0;
  #out = "";
  /** Per open group: how many brackets its end closes (a `(?i)` opens one of its own). */
  readonly #groups: number[] = [];
  #dotAll = false;
  #hasModifiers = false;

  constructor(source: string) {
    this.#source = source;
  }

  run(): string {
    this.#groups.push(0);
    while (this.#at < this.#source.length) this.#step();
    this.#out += ")".repeat(this.#groups.pop() ?? 0);
    if (this.#groups.length > 0) this.#fail(`missing closing ): \`${this.#source}\``);
    return this.#out;
  }

  #fail(why: string): never {
    throw new PatternError(`error parsing regexp: ${why}`);
  }

  /** Moves past `text` and writes its translation. */
  #take(text: string, out = text): true {
    this.#at += text.length;
    this.#out += out;
    return true;
  }

  #step(): true {
    const rest = this.#source.slice(this.#at);
    const char = rest[0] ?? "";
    switch (char) {
      case "\\":
        return this.#escape(rest);
      case "[":
        return this.#characterClass(rest);
      case "(":
        return this.#group(rest);
      case ")":
        if (this.#groups.length === 1) this.#fail(`unexpected ): \`${this.#source}\``);
        return this.#take(")", ")".repeat(1 + (this.#groups.pop() ?? 0)));
      case ".":
        return this.#take(".", this.#dotAll ? "[^]" : "[^\\n]");
      case "{": {
        const repeat = /^\{(\d+)(,(\d*))?\}/.exec(rest);
        if (repeat === null) return this.#take("{", "\\{");
        const most = Math.max(Number(repeat[1]), Number(repeat[3] || 0));
        if (most > 1000) this.#fail(`invalid repeat count: \`${repeat[0]}\``);
        return this.#take(repeat[0]);
      }
      case "}":
      case "]":
        return this.#take(char, `\\${char}`);
      default:
        return this.#take(char, this.#hasModifiers && CASED.test(char) ? `[${char}]` : char);
    }
  }

  #escape(rest: string): true {
    const quoted = /^\\Q(.*?)(?:\\E|$)/s.exec(rest);
    if (quoted !== null)
      return this.#take(quoted[0], (quoted[1] ?? "").replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    const anchor = { "\\A": "^", "\\z": "$" }[rest.slice(0, 2)];
    if (anchor !== undefined) return this.#take(rest.slice(0, 2), anchor);
    if (/^\\[bB]/.test(rest)) return this.#take(rest.slice(0, 2));
    if (rest.startsWith("\\s")) return this.#take("\\s", `[${BLANKS}]`);
    if (rest.startsWith("\\S")) return this.#take("\\S", `[^${BLANKS}]`);
    const [text, out] = this.#literalEscape(rest);
    return this.#take(text, out);
  }

  /** Escapes that mean the same inside and outside of a class: [source text, translation]. */
  #literalEscape(rest: string): [string, string] {
    const unicode = /^\\([pP])(?:\{(\^?)(\w+)\}|(\w))/.exec(rest);
    if (unicode !== null) {
      const negated = (unicode[1] === "P") !== (unicode[2] === "^");
      const name = unicode[3] ?? unicode[4] ?? "";
      return [unicode[0], `\\${negated ? "P" : "p"}{${name.length > 2 ? `Script=${name}` : name}}`];
    }
    const hex = /^\\x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))/.exec(rest);
    if (hex !== null) return [hex[0], `\\u{${hex[1] ?? hex[2]}}`];
    const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    if (octal !== null) return [octal[0], `\\u{${Number.parseInt(octal[1] ?? "0", 8).toString(16)}}`];
    const next = rest[1];
    if (next === undefined) this.#fail("trailing backslash at end of expression: ``");
    if (next === "a") return ["\\a", "\\x07"];
    if (/[dDwWtnrfv]/.test(next)) return [`\\${next}`, `\\${next}`];
    // RE2 accepts an escape before any ASCII punctuation, JavaScript only before some characters.
    if (/[!-/:-@[-`{-~]/.test(next)) return [`\\${next}`, `\\u{${next.codePointAt(0)?.toString(16) ?? "0"}}`];
    return this.#fail(`invalid escape sequence: \`\\${next}\``);
  }

  #characterClass(rest: string): true {
    const negated = rest[1] === "^";
    let at = negated ? 2 : 1;
    let out = negated ? "[^" : "[";
    let afterSet = false;
    // A bracket at the first position is a member and not the end.
    for (let first = true; at < rest.length && (rest[at] !== "]" || first); first = false) {
      const member = this.#classMember(rest.slice(at), afterSet);
      out += member.out;
      at += member.text.length;
      afterSet = member.isSet;
    }
    if (rest[at] !== "]") this.#fail(`missing closing ]: \`${rest}\``);
    return this.#take(rest.slice(0, at + 1), `${out}]`);
  }

  /** One member of a class: its source text, its translation, and whether it is a set of characters such as `\d`. */
  #classMember(rest: string, afterSet: boolean): { text: string; out: string; isSet: boolean } {
    const posix = /^\[:(\^?)(\w+):\]/.exec(rest);
    if (posix !== null) {
      const members = POSIX_CLASSES[posix[2] ?? ""];
      if (members === undefined || posix[1] === "^") {
        this.#fail(`invalid character class range: \`${posix[0]}\``);
      }
      return { text: posix[0], out: members, isSet: true };
    }
    const char = rest[0] ?? "";
    if (char === "\\") {
      const [text, out] = rest.startsWith("\\s") ? ["\\s", BLANKS] : this.#literalEscape(rest);
      return { text, out, isSet: /^\\[dDwWspP]/.test(text) };
    }
    // JavaScript refuses a range that begins or ends with a set, so the hyphen is escaped there.
    const besideSet = afterSet || /^-\\[dDwWspP]/.test(rest);
    const escaped = char === "[" || char === "]" || (char === "-" && besideSet);
    return { text: char, out: escaped ? `\\${char}` : char, isSet: false };
  }

  #group(rest: string): true {
    if (!rest.startsWith("(?")) {
      this.#groups.push(0);
      return this.#take("(");
    }
    const named = /^\(\?P?<(\w+)>/.exec(rest);
    if (named !== null) {
      this.#groups.push(0);
      return this.#take(named[0], `(?<${named[1]}>`);
    }
    const flags = /^\(\?([ism]*)(-[ism]+)?([:)])/.exec(rest);
    if (flags === null) this.#fail(`invalid or unsupported Perl syntax: \`${rest.slice(0, 3)}\``);
    if ((flags[1] ?? "").includes("s")) this.#dotAll = true;
    const modifiers = `${(flags[1] ?? "").replace("s", "")}${(flags[2] ?? "").replace("s", "").replace(/^-$/, "")}`;
    if (modifiers !== "") this.#hasModifiers = true;
    const opening = modifiers === "" ? "(?:" : `(?${modifiers}:`;
    if (flags[3] === ":") {
      this.#groups.push(0);
      return this.#take(flags[0], opening);
    }
    // `(?i)` applies to the end of its group. JavaScript has flags only on a group, so this opens one.
    const groupJustOpened = this.#out === "" || /\((\?[^)]*[:>])?$/.test(this.#out);
    if (!groupJustOpened) this.#fail(`flags are supported at the start of a group alone: \`${flags[0]}\``);
    this.#groups[this.#groups.length - 1] = (this.#groups.at(-1) ?? 0) + 1;
    return this.#take(flags[0], opening);
  }
}

/** Longer expressions count as one that names no host. */
const MAX_LENGTH = 4096;
/** Deeper parentheses count as an expression that names no host. */
const MAX_DEPTH = 32;

const HOST_MATCHERS = ["host", "hostheader", "hostsni"];

/** The hosts to which an expression is limited; undefined: it matches requests for any host. */
type Hosts = readonly string[] | undefined;

const CONTROL_CHARACTER = /\p{Cc}/u;

class SyntaxFault extends Error {}

/**
 * The hosts of a router's `match` in Traefik, such as ``Host(`a.example`) && PathPrefix(`/api`)``. Undefined: the
 * router may match other hosts too. Either the expression, or one side of an `||` in it, names no host or names hosts by a
 * pattern or after a `!`, or the expression cannot be read.
 */
export function hostsOfMatch(match: string): Hosts {
  if (match.length > MAX_LENGTH) return undefined;
  try {
    return parseMatch(match);
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined;
    throw error;
  }
}

function parseMatch(text: string): Hosts {
  let at = 0;
  const skip = () => {
    while (/\s/.test(text[at] ?? "")) at += 1;
  };
  const takes = (token: string): boolean => {
    skip();
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };
  const expect = (token: string) => {
    if (!takes(token)) throw new SyntaxFault();
  };

  function either(depth: number): Hosts {
    let hosts = both(depth);
    while (takes("||")) {
      const more = both(depth);
      hosts = hosts === undefined || more === undefined ? undefined : [...hosts, ...more];
    }
    return hosts;
  }

  function both(depth: number): Hosts {
    let hosts = one(depth);
    while (takes("&&")) {
      const more = one(depth);
      hosts ??= more;
    }
    return hosts;
  }

  function one(depth: number): Hosts {
    if (depth > MAX_DEPTH) throw new SyntaxFault();
    if (takes("!")) {
      one(depth + 1);
      return undefined;
    }
    if (takes("(")) {
      const hosts = either(depth + 1);
      expect(")");
      return hosts;
    }
    return matcher();
  }

  function matcher(): Hosts {
    skip();
    const start = at;
    while (/[A-Za-z]/.test(text[at] ?? "")) at += 1;
    const name = text.slice(start, at).toLowerCase();
    expect("(");
    const values: string[] = [];
    while (!takes(")")) {
      values.push(quoted());
      takes(",");
    }
    if (!HOST_MATCHERS.includes(name)) return undefined;
    // Traefik leaves out a carriage return between backquotes.
    if (values.some((value) => CONTROL_CHARACTER.test(value))) throw new SyntaxFault();
    return values;
  }

  function quoted(): string {
    skip();
    const quote = text[at] ?? "";
    const end = text.indexOf(quote, at + 1);
    if (!["`", '"', "'"].includes(quote) || end === -1) throw new SyntaxFault();
    const value = text.slice(at + 1, end);
    // Traefik reads this as a string of Go, in which an escape can stand for every character, the quotation mark included.
    if (quote === '"' && value.includes("\\")) throw new SyntaxFault();
    at = end + 1;
    return value;
  }

  const hosts = either(0);
  skip();
  return at === text.length ? hosts : undefined;
}

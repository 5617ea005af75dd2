import { Environment } from "@marcbachmann/cel-js";
import { registerAddresses } from "./address.ts";
import { registerLists } from "./list-library.ts";
import { registerFormats } from "./named-format.ts";
import { registerQuantities } from "./quantity.ts";
import { registerStrings } from "./string-library.ts";
import { registerTimes } from "./time-library.ts";
import { registerUrls } from "./url.ts";

/** Adds a function that never waits; the library treats all others as possibly asynchronous. */
export type Define = (signature: string, handler: (...args: never[]) => unknown) => void;

// The library's own version of these counts UTF-16 units, folds case beyond ASCII or speaks JavaScript's
// dialect of regular expressions; ours are registered under another name and take their place.
const REPLACED = new Set([
  "matches",
  "lowerAscii",
  "upperAscii",
  "indexOf",
  "lastIndexOf",
  "substring",
  "split",
  "join",
]);

/** Methods that the library has and Kubernetes has not. */
const FORBIDDEN = new Set(["json", "hex", "base64", "at", "string"]);

/** What the library offers by name and Kubernetes does not. */
const FORBIDDEN_NAMES = new Set(["cel", "google"]);

export const forbiddenName = (name: string) => FORBIDDEN_NAMES.has(name);
export const replacedMethod = (name: string) => (REPLACED.has(name) ? `k8s_${name}` : name);
export const forbiddenMethod = (name: string) => FORBIDDEN.has(name);

let base: Environment | undefined;

/**
 * CEL with the functions that Kubernetes adds. Without two-variable comprehensions, semver, optional elements of
 * literals (`[?x]`) and JSON patch: an expression that uses them does not compile here. Without cost limits too, and
 * comparing a nullable scalar with null is let pass: a real API server refuses some expressions that this one takes.
 */
export function createCelEnvironment(): Environment {
  base ??= createBase();
  return base.clone();
}

function createBase(): Environment {
  const environment = new Environment({
    enableOptionalTypes: true,
    // Literals are checked afterwards: the library has no exception for the list that `format` takes.
    homogeneousAggregateLiterals: false,
    limits: { maxListElements: 10_000, maxMapEntries: 10_000 },
  });
  const define: Define = (signature, handler) => {
    environment.registerFunction(signature, handler as (...args: unknown[]) => unknown, { async: false });
  };
  registerStrings(environment, define);
  registerLists(environment, define);
  registerTimes(define);
  registerQuantities(environment, define);
  registerUrls(environment, define);
  registerAddresses(environment, define);
  registerFormats(environment, define);
  return environment;
}

import { Environment } from "@marcbachmann/cel-js";
import { registerAddresses } from "./address.ts";
import type { Define } from "./define.ts";
import { registerLists } from "./list-library.ts";
import { registerFormats } from "./named-format.ts";
import { registerQuantities } from "./quantity.ts";
import { registerStrings } from "./string-library.ts";
import { registerTimes } from "./time-library.ts";
import { registerUrls } from "./url.ts";

// The library's own version of these counts UTF-16 units, folds case beyond ASCII, or uses JavaScript's syntax of regular
// expressions. Ours are registered under another name and replace them.
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

/** Methods of the library that Kubernetes does not have. */
const FORBIDDEN = new Set(["json", "hex", "base64", "at", "string"]);

/** Names of the library that Kubernetes does not have. */
const FORBIDDEN_NAMES = new Set(["cel", "google"]);

export const forbiddenName = (name: string) => FORBIDDEN_NAMES.has(name);
export const replacedMethod = (name: string) => (REPLACED.has(name) ? `k8s_${name}` : name);
export const forbiddenMethod = (name: string) => FORBIDDEN.has(name);

let base: Environment | undefined;

/**
 * CEL with the functions that Kubernetes adds. Two-variable comprehensions, semver, optional elements of literals (`[?x]`)
 * and JSON patch are missing, so an expression that uses them does not compile here. There are no cost limits, and a
 * nullable scalar may be compared with null, so a real API server refuses some expressions that this one accepts.
 */
export function createCelEnvironment(): Environment {
  base ??= createBase();
  return base.clone();
}

function createBase(): Environment {
  const environment = new Environment({
    enableOptionalTypes: true,
    // Our own check of literals runs later, because the library cannot allow only the mixed list that `format` takes.
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

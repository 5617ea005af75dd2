import type { TrustEntry } from "../api/franchise.ts";
import { TRUST_KEY, TRUSTED_ROOT_KEY } from "../api/name.ts";
import { isMap } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import { parseYamlWithin } from "../platform/yaml.ts";
import { parseRepositoryPrefix, type RepositoryPrefix } from "./rules/reference.ts";
import { trustedKeyProblem } from "./signature/trusted-key.ts";
import { parseTrustedRoot, type TrustedRoot } from "./signature/trusted-root.ts";
import type { Trust } from "./trust-policy.ts";

export interface ParsedTrust {
  trust: Trust;
  /**
   * The entries that were left out because they are invalid, each with the field's path and the remedy. The other entries
   * apply.
   */
  problems: string[];
}

/** About 500 public keys. */
const MAX_LENGTH = 131_072;

/**
 * Reads the data of ConfigMap `catalyst-trust`. An invalid key or trusted root is left out, because its absence only makes
 * admission stricter. Throws with the field's path when the form is wrong, because the file may then mean something else.
 */
export function parseTrust(data: Readonly<Record<string, string>>): ParsedTrust {
  const document = parseYamlWithin(MAX_LENGTH, data[TRUST_KEY] ?? "", { refusesRepeatedKeys: true }) ?? {};
  if (!isMap(document)) throw new Error("trust.yaml must be a map");
  const { trust = [], allowedRegistries = [], insecureRegistries = [], ...unknown } = document;
  const [surplus] = Object.keys(unknown);
  if (surplus !== undefined)
    throw new Error(
      `${surplus} is not a field of trust.yaml: use trust, allowedRegistries and insecureRegistries`,
    );
  if (!Array.isArray(trust)) throw new Error("trust must be a list");
  const entries = trust.map(parseEntry);
  const keyProblems = entries.map(keyProblem);
  const { trustedRoot, problem } = readTrustedRoot(data[TRUSTED_ROOT_KEY]);
  return {
    trust: {
      entries: entries.filter((_, index) => keyProblems[index] === undefined),
      allowedRegistries: texts("allowedRegistries", allowedRegistries).map(parseAllowedRegistry),
      insecureRegistries: texts("insecureRegistries", insecureRegistries),
      ...(trustedRoot === undefined ? {} : { trustedRoot }),
    },
    problems: [...keyProblems, problem].filter((it) => it !== undefined),
  };
}

function parseEntry(entry: unknown, index: number): TrustEntry {
  const { publicKey, keyless } = isMap(entry) ? entry : {};
  if (typeof publicKey === "string" && keyless === undefined) return { publicKey };
  if (
    publicKey === undefined &&
    isMap(keyless) &&
    typeof keyless.issuer === "string" &&
    typeof keyless.identity === "string"
  ) {
    return { keyless: { issuer: keyless.issuer, identity: keyless.identity } };
  }
  throw new Error(`trust[${index}] must have either publicKey, or keyless with issuer and identity`);
}

function keyProblem({ publicKey }: TrustEntry, index: number): string | undefined {
  const problem = publicKey === undefined ? undefined : trustedKeyProblem(publicKey);
  return problem === undefined ? undefined : `trust[${index}].publicKey ${problem}`;
}

function readTrustedRoot(text: string | undefined): { trustedRoot?: TrustedRoot; problem?: string } {
  try {
    return text === undefined ? {} : { trustedRoot: parseTrustedRoot(text) };
  } catch (error) {
    return { problem: `${TRUSTED_ROOT_KEY} ${errorMessage(error)}` };
  }
}

function parseAllowedRegistry(text: string, index: number): RepositoryPrefix {
  const prefix = parseRepositoryPrefix(text);
  if (prefix === undefined)
    throw new Error(
      `allowedRegistries[${index}] must be host or host/path, in lower case, with a dot or a port in the host`,
    );
  return prefix;
}

function texts(name: string, value: unknown): string[] {
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string" || item === ""))
    throw new Error(`${name} must be a list of texts that are not empty`);
  return value as string[];
}

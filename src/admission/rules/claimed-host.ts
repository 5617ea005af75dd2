import { normalHost } from "./host-name.ts";

/** A host that an object asks for. */
export interface HostClaim {
  path: string;
  /** The text in the object. */
  text: string;
  /** The words for it in a denial. */
  shown: string;
  /** Normalised; `*` stands for any text. */
  pattern: string;
}

/** An object that asks for more hosts counts as one that asks for every host, which bounds the work. */
export const MAX_CLAIMS = 500;

export const claim = (path: string, text: string, pattern = normalHost(text)): HostClaim => ({
  ...{ path, text, pattern, shown: `host ${text}` },
});

export const claimsIn = (path: string, value: unknown): HostClaim[] =>
  typeof value === "string" && value !== "" ? [claim(path, value)] : [];

/** The hosts in a text that separates them by commas or blanks. */
export const hostsIn = (list: string): string[] =>
  list.split(/[\s,]+/, MAX_CLAIMS + 2).filter((item) => item !== "");

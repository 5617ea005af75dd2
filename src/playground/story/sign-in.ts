import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Issuer } from "../issuer/server.ts";
import type { Example } from "./example.ts";

/**
 * The example, and for a Sovereign without an issuer of its own the playground's issuer, so that "Sign in" on /admin works.
 * The issuer's address has a port that is known only now, so no manifest can name it.
 */
export function withSignIn(example: Example, issuer: Pick<Issuer, "origin" | "register">): Example {
  const { kind, metadata } = example.manifest;
  if (kind !== "Sovereign") return example;
  const manifest = example.manifest as Sovereign;
  const { fqdn, branding, billing } = manifest.spec;
  if (billing.auth.issuer !== undefined) return example;
  issuer.register(metadata.name, { displayName: branding?.displayName ?? metadata.name, audience: fqdn });
  const auth = { ...billing.auth, issuer: issuer.origin, audience: fqdn, clientId: metadata.name };
  const spec: Sovereign["spec"] = { ...manifest.spec, billing: { ...billing, auth } };
  return { ...example, manifest: { ...manifest, spec } as KubernetesObject };
}

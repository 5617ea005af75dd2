import type { Rule } from "./fact.ts";
import { serviceAccountOf } from "./identity.ts";
import { objectPath } from "./request.ts";

/** The type of the Secrets in which Helm stores releases. The type of a Secret cannot change. */
export const RELEASE_SECRET_TYPE = "helm.sh/release.v1";

/**
 * helm-controller rolls back to what a release Secret says, so that a forged one would install content that no signature
 * covers. It stores releases as the ServiceAccount of the HelmRelease, by impersonation. An impersonated account has no
 * uid, and the holder of the account's token has one.
 */
export const releaseSecretRule: Rule = (input) => {
  const isWrite = input.operation === "CREATE" || input.operation === "UPDATE";
  if (!isWrite || input.group !== "" || input.resource !== "secrets") return [];
  if (input.object?.type !== RELEASE_SECRET_TYPE) return [];
  const isImpersonated = input.user.uid === undefined;
  if (isImpersonated && serviceAccountOf(input.user)?.namespace === input.namespace) return [];
  return [
    {
      rule: "helm-release-secret",
      path: objectPath(input),
      message:
        "only Flux' helm-controller stores releases: install with a HelmRelease instead of the helm command",
    },
  ];
};

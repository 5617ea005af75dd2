import { textOf } from "../../api/object.ts";
import type { Rule } from "./fact.ts";
import { serviceAccountOf } from "./identity.ts";
import { type AdmissionInput, objectPath, storesObject } from "./request.ts";

/** Helm writes all three. It finds releases by name and by label, and ignores the type. */
export const RELEASE_SECRET = {
  type: "helm.sh/release.v1",
  namePrefix: "sh.helm.release.v1.",
  ownerLabel: { name: "owner", value: "helm" },
} as const;

/** Whether Helm would read the Secret as one of its releases. */
function isReleaseSecret({ group, resource, name, object }: AdmissionInput): boolean {
  const { type, namePrefix, ownerLabel } = RELEASE_SECRET;
  return (
    group === "" &&
    resource === "secrets" &&
    (object?.type === type ||
      textOf(object?.metadata?.name ?? name).startsWith(namePrefix) ||
      object?.metadata?.labels?.[ownerLabel.name] === ownerLabel.value)
  );
}

/**
 * Only helm-controller may write release Secrets. It rolls back to the content of a release Secret, so a forged one would
 * install content that no signature covers. It stores releases as the ServiceAccount of the HelmRelease, by impersonation.
 * An impersonated account has no uid, and a request with the account's token has one.
 */
export const releaseSecretRule: Rule = (input) => {
  if (!storesObject(input) || !isReleaseSecret(input)) return [];
  const isImpersonated = input.user.uid === undefined;
  if (isImpersonated && serviceAccountOf(input.user)?.namespace === input.namespace) return [];
  return [
    {
      rule: "helm-release-secret",
      path: objectPath(input),
      message:
        "only Flux' helm-controller stores releases; install with a HelmRelease instead of the helm command",
    },
  ];
};

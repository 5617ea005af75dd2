import type { Sovereign } from "../../api/sovereign.ts";

/**
 * The security context that the restricted Pod security standard requires. It sets no user, because the image defines one,
 * and OpenShift assigns each namespace its own.
 */
const POD_SECURITY = {
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};

/** The members of a Pod's spec that the manifest sets, for the Deployment and the migration Job. */
export function podSettings({ spec }: Sovereign): Record<string, unknown> {
  const { imagePullSecrets, nodeSelector, tolerations, affinity, priorityClassName, podSecurityContext } =
    spec.billing;
  const settings = { imagePullSecrets, nodeSelector, tolerations, affinity, priorityClassName };
  return {
    ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
    securityContext: { ...POD_SECURITY, ...podSecurityContext },
  };
}

/**
 * The fields of a Sovereign's manifest that can make a failed migration Job succeed; undefined when the manifest sets none
 * of them.
 */
export function migrationSettings({ spec }: Sovereign): object | undefined {
  const { imagePullSecrets, nodeSelector, tolerations, affinity, priorityClassName } = spec.billing;
  const { podAnnotations, podSecurityContext } = spec.billing;
  const settings = {
    ...{ imagePullSecrets, nodeSelector, tolerations, affinity, priorityClassName },
    ...{ podAnnotations, podSecurityContext },
  };
  return Object.values(settings).every((value) => value === undefined) ? undefined : settings;
}

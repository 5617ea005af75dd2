import type { AdmissionInput } from "../../../src/admission/rules/request.ts";
import type { EnvironmentPolicy } from "../../../src/api/environment-policy.ts";
import type { EnvironmentRule } from "../../../src/api/environment-rule.ts";
import { ANNOTATION } from "../../../src/api/label.ts";
import { creation, reviewed } from "./admission-request.ts";

export const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
export const image = (letter: string) => `registry.test/app@${digest(letter)}`;

type Change = Partial<AdmissionInput>;

/** The annotations that only the pipeline writes. */
export const evidence = ({ approvedBy, score }: { approvedBy?: string; score?: string }) => ({
  ...(approvedBy === undefined ? {} : { [ANNOTATION.approvedBy]: approvedBy }),
  ...(score === undefined ? {} : { [ANNOTATION.score]: score }),
});

export const PIPELINE = { username: "ci", groups: ["catalyst:pipeline"] };

/** A Deployment with these images, and with these annotations. */
export const deployment = (images: string[], metadata: object = {}, spec: object = {}) =>
  reviewed({
    kind: "Deployment",
    metadata,
    spec: { template: { spec: { containers: images.map((it) => ({ name: "app", image: it })) } }, ...spec },
  });

/** The creation of an object in environment acme-prod. */
const inEnvironment =
  (group: string, resource: string) =>
  (object: object, change: Change = {}): AdmissionInput =>
    creation({
      ...{ group, resource, name: "shop", namespace: "acme-prod" },
      user: { username: "amal", groups: [] },
      object: reviewed(object),
      ...change,
    });
export const workloadInstall = inEnvironment("apps", "deployments");
export const chartInstall = inEnvironment("source.toolkit.fluxcd.io", "ocirepositories");
export const releaseInstall = inEnvironment("helm.toolkit.fluxcd.io", "helmreleases");

export const ociRepository = (letter: string, spec: object = {}, metadata: object = {}) => ({
  metadata,
  spec: { url: "oci://registry.test/shop", ref: { digest: digest(letter) }, interval: "10m", ...spec },
});
export const helmRelease = (spec: object = {}, metadata: object = {}) => ({
  metadata,
  spec: { chartRef: { kind: "OCIRepository", name: "shop" }, serviceAccountName: "deployer", ...spec },
});

/** A policy of catalyst-system for every production environment. */
export const environmentPolicy = (
  name: string,
  rules: EnvironmentRule[],
  spec: Partial<EnvironmentPolicy["spec"]> = {},
): EnvironmentPolicy => ({
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "EnvironmentPolicy",
  metadata: { name, namespace: "catalyst-system", uid: `uid-${name}` },
  spec: { appliesTo: { environments: ["*-prod"] }, enforcement: "Deny", rules, ...spec },
});

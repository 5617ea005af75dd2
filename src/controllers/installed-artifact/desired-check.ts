import type { Artifact, Violation } from "../../admission/rules/fact.ts";
import type { IdentityLists } from "../../admission/rules/identity.ts";
import {
  chartOf,
  chartSourceName,
  helmReleaseRule,
  installSourceRule,
  ociRepositoryRule,
} from "../../admission/rules/install-source.ts";
import { type Place, placeOfNamespace } from "../../admission/rules/place.ts";
import type { AdmissionInput } from "../../admission/rules/request.ts";
import { imagesIn } from "../../admission/rules/workload-image.ts";
import type { KubernetesObject } from "../../api/object.ts";

/** A field of an installed object that names an artifact. */
export interface InstalledArtifact {
  path: string;
  artifact: Artifact;
}

/** Whether admission judges tenants in a place. In the other places, only the platform writes. */
export const isJudgedPlace = ({ kind }: Place): boolean =>
  kind === "organization" || kind === "environment" || kind === "ordinary";

export const isJudgedNamespace = ({ metadata }: KubernetesObject, lists: IdentityLists): boolean =>
  isJudgedPlace(placeOfNamespace(metadata.name, metadata.labels ?? {}, lists));

/** The artifacts that a Pod or an OCIRepository names. */
export function installedArtifacts(object: KubernetesObject): InstalledArtifact[] {
  if (object.kind === "OCIRepository") {
    return [{ path: "spec.ref.digest", artifact: chartOf(object) }];
  }
  return imagesIn(object).map(({ path, image }) => ({
    path,
    artifact: { reference: image, use: { kind: "image" } },
  }));
}

/** The resource of an object, as a request names it. */
export interface RequestedResource {
  group: string;
  plural: string;
}

/** The request by which a tenant would create the object now. The object itself does not show who created it. */
export function tenantCreation(
  object: KubernetesObject,
  { group, plural }: RequestedResource,
): AdmissionInput {
  const { name, namespace = "" } = object.metadata;
  return {
    ...{ operation: "CREATE", group, resource: plural, subresource: "", name, namespace },
    user: { username: "", groups: [] },
    ...{ object: { ...object }, oldObject: undefined },
  };
}

/**
 * The violations of an installed object, as if a tenant created it now. `repositories` are the OCIRepositories of its
 * namespace.
 */
export function forbiddenInstall(
  object: KubernetesObject,
  resource: RequestedResource,
  repositories: readonly KubernetesObject[],
): Violation[] {
  const input = tenantCreation(object, resource);
  const chart = chartSourceName(input);
  const source = repositories.find(({ metadata }) => metadata.name === chart);
  const chartSource = source === undefined ? undefined : { ...source };
  return [
    ...installSourceRule(input),
    ...ociRepositoryRule(input),
    ...helmReleaseRule(input, { chartSource }),
  ];
}

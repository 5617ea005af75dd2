import type { Artifact, Violation } from "../../admission/rules/fact.ts";
import type { IdentityLists } from "../../admission/rules/identity.ts";
import {
  chartOf,
  chartSourceName,
  helmReleaseRule,
  installSourceRule,
  ociRepositoryRule,
} from "../../admission/rules/install-source.ts";
import { placeOfNamespace } from "../../admission/rules/place.ts";
import type { AdmissionInput } from "../../admission/rules/request.ts";
import { imagesIn } from "../../admission/rules/workload-image.ts";
import type { KubernetesObject } from "../../api/object.ts";

/** A field of an installed object that names an artifact. */
export interface InstalledArtifact {
  path: string;
  artifact: Artifact;
}

/** Whether admission judges installs in a namespace. In the other places, only the platform installs. */
export function isJudgedNamespace({ metadata }: KubernetesObject, lists: IdentityLists): boolean {
  const { kind } = placeOfNamespace(metadata.name, metadata.labels ?? {}, lists);
  return kind === "organization" || kind === "environment" || kind === "ordinary";
}

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

/** The resource of an installed object, as a request names it. */
interface InstallResource {
  group: string;
  plural: string;
}

/**
 * The violations of an installed object, as if a tenant created it now, because the object does not show who created it.
 * `repositories` are the OCIRepositories of its namespace.
 */
export function forbiddenInstall(
  object: KubernetesObject,
  { group, plural }: InstallResource,
  repositories: readonly KubernetesObject[],
): Violation[] {
  const { name, namespace = "" } = object.metadata;
  const input: AdmissionInput = {
    ...{ operation: "CREATE", group, resource: plural, subresource: "", name, namespace },
    user: { username: "", groups: [] },
    ...{ object: { ...object }, oldObject: undefined },
  };
  const chart = chartSourceName(input);
  const source = repositories.find(({ metadata }) => metadata.name === chart);
  const chartSource = source === undefined ? undefined : { ...source };
  return [
    ...installSourceRule(input),
    ...ociRepositoryRule(input),
    ...helmReleaseRule(input, { chartSource }),
  ];
}

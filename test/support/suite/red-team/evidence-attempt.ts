import { type Attempt, apply, core, group, mergePatch, on, onReal, post } from "./attempt.ts";
import { deployment, LABEL_PREFIX, named, ociRepository } from "./object.ts";

const evidence = (annotation: string) => ({
  metadata: { annotations: { [`${LABEL_PREFIX}/${annotation}`]: "amal" } },
});

export const EVIDENCE_ATTEMPTS: readonly Attempt[] = ["approved-by", "score"].flatMap((annotation) => [
  on(
    `writes ${annotation} on a Deployment`,
    "amal",
    mergePatch(group("apps/v1", "acme-prod", "deployments/app"), evidence(annotation)),
    "evidence-pipeline-only",
  ),
  on(
    `writes ${annotation} on a new Deployment`,
    "amal",
    post(group("apps/v1", "acme-prod", "deployments"), {
      ...deployment("evil"),
      ...{ metadata: { name: "evil", ...evidence(annotation).metadata } },
    }),
    "evidence-pipeline-only",
  ),
  on(
    `writes ${annotation} by the status of a Deployment`,
    "amal",
    mergePatch(group("apps/v1", "acme-prod", "deployments/app/status"), evidence(annotation)),
    "evidence-pipeline-only",
  ),
  on(
    `writes ${annotation} by server-side apply on an OCIRepository`,
    "amal",
    apply(group("source.toolkit.fluxcd.io/v1", "acme-prod", "ocirepositories/approved"), {
      ...ociRepository("approved"),
      metadata: { name: "approved", ...evidence(annotation).metadata },
    }),
    "evidence-pipeline-only",
  ),
  on(
    `writes ${annotation} on a Pod in an ordinary namespace`,
    "stranger",
    mergePatch(core("shop", "pods/app-0"), evidence(annotation)),
    "evidence-pipeline-only",
  ),
  onReal(
    `writes ${annotation} on a Pod by a binding`,
    "amal",
    post(core("acme-prod", "pods/app-0/binding"), {
      ...named("v1", "Binding", "app-0", evidence(annotation)),
      target: { apiVersion: "v1", kind: "Node", name: "node-1" },
    }),
    "evidence-pipeline-only",
  ),
]);

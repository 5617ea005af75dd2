import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { metadataOf, ownershipLabels, selectorLabels } from "./desired-metadata.ts";
import { CONTAINER_SECURITY, databaseVariable, POD_SECURITY, plain } from "./desired-pod.ts";

const TERMINATION_LOG = "/dev/termination-log";

/** One for each digest and database: `billing-migrate-<12 hex>`. */
function migrationJobName(image: string, database: string): string {
  const digest = sha256Digest(canonicalJson([image, database])).slice("sha256:".length);
  return `${BILLING.migrationServiceAccount}-${digest.slice(0, 12)}`;
}

/**
 * The migration of one database (see `databaseIdentity`) to one digest. It is created once and never changed: a Job's
 * template is immutable, and what it did is done. Retries inside it are safe, as `catalyst migrate` takes an advisory lock
 * and goes on where it was.
 */
export function desiredMigrationJob(sovereign: Sovereign, image: string, database: string): KubernetesObject {
  const labels = { ...ownershipLabels(sovereign), ...selectorLabels("billing-migrate") };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { ...metadataOf(sovereign, migrationJobName(image, database)), labels },
    spec: {
      backoffLimit: 6,
      completions: 1,
      parallelism: 1,
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: BILLING.migrationServiceAccount,
          automountServiceAccountToken: false,
          // Kubernetes deletes the Pod of a failed Job that restarts it in place, and its last words with it.
          restartPolicy: "Never",
          securityContext: POD_SECURITY,
          containers: [
            {
              name: "migrate",
              image,
              args: ["migrate"],
              env: [databaseVariable(sovereign), plain("TERMINATION_LOG", TERMINATION_LOG)],
              terminationMessagePath: TERMINATION_LOG,
              securityContext: CONTAINER_SECURITY,
              resources: { requests: { cpu: "50m", memory: "96Mi" }, limits: { memory: "512Mi" } },
            },
          ],
        },
      },
    },
  } as KubernetesObject;
}

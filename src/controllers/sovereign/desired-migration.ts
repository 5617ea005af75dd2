import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { metadataOf, ownershipLabels, selectorLabels } from "./desired-metadata.ts";
import { CONTAINER_SECURITY, migrationVariables, plain } from "./desired-pod.ts";
import { migrationSettings, podSettings } from "./desired-pod-setting.ts";

const TERMINATION_LOG = "/dev/termination-log";

/**
 * Keeps a mesh's sidecar out: it would continue after the migration, and the Job would never be complete. `podAnnotations`
 * may still request one.
 */
const WITHOUT_SIDECAR = { "sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled" };

/**
 * The name is unique for each image, database and set of Pod settings: `billing-migrate-<12 hex>`. A Job's template is
 * immutable, so corrected settings need a new Job after one that could not start. The name also depends on the Job before:
 * after a return to an earlier image, that image's earlier Job says nothing about the database of today.
 */
function migrationJobName(sovereign: Sovereign, image: string, database: string): string {
  const settings = migrationSettings(sovereign);
  const { migration } = sovereign.status ?? {};
  // A status that an earlier operator wrote has no name of a Job.
  const before = migration?.job ?? migration?.image;
  const parts = [
    ...[image, database],
    ...(settings === undefined ? [] : [settings]),
    ...(before === undefined ? [] : [{ before }]),
  ];
  const digest = sha256Digest(canonicalJson(parts)).slice("sha256:".length);
  return `${BILLING.migrationServiceAccount}-${digest.slice(0, 12)}`;
}

/**
 * The Job that migrates one database (see `databaseIdentity`) to one image. The operator creates it once and never
 * changes it, because a Job's template is immutable. The Job may retry its Pod: `catalyst migrate` takes an advisory lock
 * and continues after the last migration that it applied.
 */
export function desiredMigrationJob(sovereign: Sovereign, image: string, database: string): KubernetesObject {
  const labels = { ...ownershipLabels(sovereign), ...selectorLabels("billing-migrate") };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { ...metadataOf(sovereign, migrationJobName(sovereign, image, database)), labels },
    spec: {
      backoffLimit: 6,
      completions: 1,
      parallelism: 1,
      template: {
        metadata: { labels, annotations: { ...WITHOUT_SIDECAR, ...sovereign.spec.billing.podAnnotations } },
        spec: {
          serviceAccountName: BILLING.migrationServiceAccount,
          automountServiceAccountToken: false,
          // With OnFailure, Kubernetes deletes the Pod of a failed Job, and its termination message is lost.
          restartPolicy: "Never",
          ...podSettings(sovereign),
          containers: [
            {
              name: BILLING.migrationContainer,
              image,
              args: ["migrate"],
              env: [
                plain("SOVEREIGN_FQDN", sovereign.spec.fqdn),
                ...migrationVariables(sovereign),
                plain("TERMINATION_LOG", TERMINATION_LOG),
              ],
              terminationMessagePath: TERMINATION_LOG,
              terminationMessagePolicy: "FallbackToLogsOnError",
              securityContext: CONTAINER_SECURITY,
              resources: { requests: { cpu: "50m", memory: "96Mi" }, limits: { memory: "512Mi" } },
            },
          ],
        },
      },
    },
  } as KubernetesObject;
}

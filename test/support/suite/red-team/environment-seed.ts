import { core, group, post, type Request } from "./attempt.ts";
import {
  CHART_ARTIFACT,
  deployment,
  helmRelease,
  IMAGE_ARTIFACT,
  LABEL_PREFIX,
  named,
  ociRepository,
  pod,
  referenceOf,
  replicaSet,
  restrictedPod,
  SIGNED,
  serviceAccount,
} from "./object.ts";

/** Signed, and not what the seeds run. */
export const OTHER_IMAGE = referenceOf(CHART_ARTIFACT);

/** Evidence as the pipeline writes it, with or without the digest of an artifact. */
export const evidence = (artifact?: { digest: string }): Record<string, string> => {
  const at = artifact === undefined ? "" : `@${artifact.digest}`;
  return { [`${LABEL_PREFIX}/approved-by`]: `amal${at}`, [`${LABEL_PREFIX}/score`]: `90${at}` };
};

type Object = ReturnType<typeof named>;
export const withMetadata = (object: Object, metadata: object): Object => ({
  ...object,
  metadata: { ...object.metadata, ...metadata },
});

/** Its owner reference names a database. Any author of the object can write the reference. */
export const ofDatabase = (object: Object, owner: object = {}): Object =>
  withMetadata(object, {
    ownerReferences: [
      {
        ...{ apiVersion: "postgresql.cnpg.io/v1", kind: "Cluster", name: "database", uid: "d-1" },
        ...{ controller: true, ...owner },
      },
    ],
  });

const policy = (name: string, environments: string[], enforcement: string, rules: object[]) =>
  post(
    group(`${LABEL_PREFIX}/v1alpha1`, "catalyst-system", "environmentpolicies"),
    named(`${LABEL_PREFIX}/v1alpha1`, "EnvironmentPolicy", name, {
      spec: { appliesTo: { environments }, enforcement, rules },
    }),
  );

/** Opens on the 29th of February. */
const CLOSED_WINDOW = { "change-window": { cron: "0 0 29 feb *", duration: "1m", timeZone: "Asia/Muscat" } };
const EVIDENCE_RULES = [{ "pr-required": { approvers: ["amal"] } }, { "re-score-gate": { minimum: 80 } }];

/** The platform's policies, and what was installed before them. */
export const ENVIRONMENT_SEEDS: readonly Request[] = [
  policy("production", ["*-stg"], "Deny", EVIDENCE_RULES),
  policy("window", ["acme-uat"], "Deny", [CLOSED_WINDOW]),
  policy("soak", ["*-dev"], "Deny", [{ soak: { from: "poc", duration: "1h" } }]),
  policy("gentle", ["acme-poc"], "Warn", [CLOSED_WINDOW]),
  policy("silent", ["acme-poc"], "Audit", EVIDENCE_RULES),
  ...["acme-stg", "acme-uat", "acme-dev", "acme-poc"].flatMap((at) => [
    post(core(at, "serviceaccounts"), serviceAccount("robot")),
    post(core(at, "pods"), restrictedPod("app-0")),
    post(core(at, "pods"), pod("prepared", SIGNED, { initContainers: [{ name: "init", image: SIGNED }] })),
    post(group("apps/v1", at, "replicasets"), replicaSet("app")),
    post(group("apps/v1", at, "deployments"), deployment("app")),
    post(
      group("apps/v1", at, "deployments"),
      withMetadata(deployment("approved"), { annotations: evidence() }),
    ),
    post(
      group("apps/v1", at, "deployments"),
      withMetadata(deployment("named"), { annotations: evidence(IMAGE_ARTIFACT) }),
    ),
    post(
      group("source.toolkit.fluxcd.io/v1", at, "ocirepositories"),
      withMetadata(ociRepository("shop"), { annotations: evidence() }),
    ),
    post(
      group("helm.toolkit.fluxcd.io/v2", at, "helmreleases"),
      withMetadata(helmRelease("shop"), { annotations: evidence() }),
    ),
    post(
      group("helm.toolkit.fluxcd.io/v2", at, "helmreleases"),
      withMetadata(helmRelease("named"), { annotations: evidence(CHART_ARTIFACT) }),
    ),
  ]),
];

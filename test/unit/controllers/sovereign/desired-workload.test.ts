import { describe, expect, it } from "vitest";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { desiredMigrationJob } from "../../../../src/controllers/sovereign/desired-migration.ts";
import { desiredWorkload, urlOf } from "../../../../src/controllers/sovereign/desired-workload.ts";
import { IMAGE, sovereign } from "../../../support/builder/catalyst-object.ts";
import { manifestProblems } from "../../../support/builder/manifest.ts";

describe("desiredWorkload", () => {
  const manifests = [
    ...desiredWorkload(sovereign("omantel"), IMAGE, undefined),
    desiredMigrationJob(sovereign("omantel"), IMAGE, "sha256:0"),
  ];
  const text = JSON.stringify(manifests);

  it("pins the digest everywhere, and refers to Secrets without holding one", () => {
    expect([...text.matchAll(/"image":"([^"]+)"/g)].map(([, image]) => image)).toEqual([IMAGE, IMAGE]);
    expect(text).toContain(
      '{"name":"DATABASE_URL","valueFrom":{"secretKeyRef":{"name":"billing-db","key":"uri"}}}',
    );
    expect(text).not.toMatch(/"name":"(DATABASE_URL|JWT_SECRET)","value"/);
  });

  it("gives the owner's URL to the migration alone, and the serving URL to both", () => {
    const own = sovereign("omantel");
    own.spec.billing.database = {
      secretRef: { name: "billing-db", key: "uri" },
      migrationSecretRef: { name: "billing-db-owner", key: "migrationUri" },
    };
    const job = JSON.stringify(desiredMigrationJob(own, IMAGE, "sha256:0"));
    expect(job).toContain(
      '{"name":"DATABASE_URL","valueFrom":{"secretKeyRef":{"name":"billing-db-owner","key":"migrationUri"}}},' +
        '{"name":"SERVING_DATABASE_URL","valueFrom":{"secretKeyRef":{"name":"billing-db","key":"uri"}}}',
    );
    const serving = JSON.stringify(desiredWorkload(own, IMAGE, undefined));
    expect(serving).toContain(
      '{"name":"DATABASE_URL","valueFrom":{"secretKeyRef":{"name":"billing-db","key":"uri"}}}',
    );
    expect(serving).not.toContain("owner");
  });

  it("fulfils the restricted Pod security standard", () => {
    for (const kind of ["Deployment", "Job"]) {
      const manifest = JSON.stringify(manifests.find((object) => object.kind === kind));
      for (const demand of [
        '"runAsNonRoot":true',
        '"allowPrivilegeEscalation":false',
        '"drop":["ALL"]',
        '"type":"RuntimeDefault"',
        '"readOnlyRootFilesystem":true',
      ]) {
        expect(manifest).toContain(demand);
      }
    }
  });

  const SETTINGS: Partial<Sovereign["spec"]["billing"]> = {
    imagePullSecrets: [{ name: "registry" }],
    nodeSelector: { pool: "billing" },
    tolerations: [{ key: "billing", operator: "Exists", effect: "NoSchedule" }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }],
        },
      },
    },
    priorityClassName: "billing",
    podAnnotations: { "linkerd.io/inject": "enabled", team: "billing" },
    podSecurityContext: { runAsUser: 1_000, fsGroup: 2_000 },
  };
  const withSettings = (settings: typeof SETTINGS) => {
    const own = sovereign("omantel");
    return { ...own, spec: { ...own.spec, billing: { ...own.spec.billing, ...settings } } };
  };
  const templatesOf = (own: Sovereign) =>
    [desiredWorkload(own, IMAGE, "sha256:0")[0], desiredMigrationJob(own, IMAGE, "sha256:0")].map(
      (object) =>
        (object as unknown as { spec: { template: { metadata: object; spec: object } } }).spec.template,
    );

  it("gives the settings of Pods to the Deployment and to the migration Job", () => {
    const own = withSettings(SETTINGS);
    expect(manifestProblems(own)).toEqual([]);
    const { podAnnotations, podSecurityContext, ...settings } = SETTINGS;
    const templates = templatesOf(own);
    expect(templates).toHaveLength(2);
    for (const template of templates)
      expect(template).toMatchObject({
        metadata: { annotations: podAnnotations },
        spec: {
          ...settings,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 1_000,
            fsGroup: 2_000,
            seccompProfile: { type: "RuntimeDefault" },
          },
        },
      });
  });

  it("names no user without a setting, because OpenShift gives each namespace its own", () => {
    for (const { spec } of templatesOf(sovereign("omantel")))
      expect((spec as { securityContext: object }).securityContext).toEqual({
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      });
  });

  it("ends a frozen Pod within seconds, and lets a Pod start on a busy node for five minutes", () => {
    const [deployment] = desiredWorkload(sovereign("omantel"), IMAGE, "sha256:0");
    expect(deployment).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [
              {
                startupProbe: { periodSeconds: 1, failureThreshold: 300 },
                livenessProbe: { terminationGracePeriodSeconds: 5 },
              },
            ],
          },
        },
      },
    });
  });

  it("keeps a mesh's sidecar out of the migration Job, which would never complete with it", () => {
    expect(templatesOf(sovereign("omantel"))[1]?.metadata).toMatchObject({
      annotations: { "sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled" },
    });
  });

  it("names another migration Job for other settings, because a Job's template is immutable", () => {
    const nameOf = (own: Sovereign) => desiredMigrationJob(own, IMAGE, "sha256:0").metadata.name;
    expect(nameOf(withSettings({}))).toBe(nameOf(sovereign("omantel")));
    expect(nameOf(withSettings(SETTINGS))).not.toBe(nameOf(sovereign("omantel")));
    expect(nameOf(withSettings({ ...SETTINGS, nodeSelector: { pool: "b" } }))).not.toBe(
      nameOf(withSettings(SETTINGS)),
    );
  });

  it.each<[string, object, string]>([
    ["root", { podSecurityContext: { runAsUser: 0 } }, "should be greater than or equal to 1"],
    [
      "no seccomp profile",
      { podSecurityContext: { seccompProfile: { type: "Unconfined" } } },
      "Unsupported value",
    ],
    [
      "a member that the profile does not have",
      { podSecurityContext: { runAsNonRoot: false } },
      "unknown field",
    ],
    [
      "the operator's annotations",
      { podAnnotations: { "catalyst.openova.io/secrets": "x" } },
      "only the operator writes these",
    ],
    [
      "an AppArmor profile in an annotation",
      { podAnnotations: { "container.apparmor.security.beta.kubernetes.io/billing": "unconfined" } },
      "must not set AppArmor or seccomp profiles",
    ],
    [
      "a toleration of nothing",
      { tolerations: [{ effect: "NoSchedule" }] },
      "without a key needs operator Exists",
    ],
    ["a misspelt affinity", { affinity: { nodeAffinty: {} } }, "unknown field"],
  ])("refuses %s", (_, settings, problem) => {
    expect(JSON.stringify(manifestProblems(withSettings(settings)))).toContain(problem);
  });

  it("lets a node be drained of Pods that are not ready", () => {
    const budget = desiredWorkload(sovereign("omantel"), IMAGE, undefined).find(
      ({ kind }) => kind === "PodDisruptionBudget",
    );
    expect(budget).toMatchObject({ spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" } });
  });

  it("has an Ingress exactly when the spec asks for one", () => {
    const ingress = { host: "vouchers.example", tlsSecretName: "tls", rateLimitPerSecond: 5 };
    const own = sovereign("omantel");
    const shown = { ...own, spec: { ...own.spec, billing: { ...own.spec.billing, ingress } } };
    expect(desiredWorkload(own, IMAGE, undefined).map(({ kind }) => kind)).not.toContain("Ingress");
    expect(desiredWorkload(shown, IMAGE, undefined).map(({ kind }) => kind)).toContain("Ingress");
    expect(urlOf(shown, "sovereign-omantel")).toBe("https://vouchers.example");
    expect(
      urlOf(
        {
          ...shown,
          spec: { ...shown.spec, billing: { ...shown.spec.billing, ingress: { host: "plain.example" } } },
        },
        "any",
      ),
    ).toBe("http://plain.example");
    expect(urlOf(own, "sovereign-omantel")).toBe("http://billing.sovereign-omantel.svc:8085");
  });
});

import { describe, expect, it } from "vitest";
import { desiredMigrationJob } from "../../../../src/controllers/sovereign/desired-migration.ts";
import { desiredWorkload, urlOf } from "../../../../src/controllers/sovereign/desired-workload.ts";
import { IMAGE, sovereign } from "../../../support/builder/catalyst-object.ts";

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

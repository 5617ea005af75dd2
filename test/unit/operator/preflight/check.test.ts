import { describe, expect, it } from "vitest";
import { identityLists } from "../../../../src/admission/rules/identity.ts";
import { KubeError } from "../../../../src/kube/error.ts";
import { DEPLOYMENTS, type Resource } from "../../../../src/kube/resource.ts";
import { checkCertificates } from "../../../../src/operator/preflight/certificate-check.ts";
import { checksOf } from "../../../../src/operator/preflight/check.ts";
import { checkDatabase, postgresCheck } from "../../../../src/operator/preflight/database-check.ts";
import { checkIdentity } from "../../../../src/operator/preflight/identity-check.ts";
import { kubernetesCheck } from "../../../../src/operator/preflight/version-check.ts";
import { authorityThatEnds } from "../../../support/builder/ending-authority.ts";

describe("the version of Kubernetes", () => {
  it.each([
    ["v1.29.9", "problem"],
    ["v1.30.0", "unknown"],
    ["v1.33.1-eks-1", "unknown"],
    ["v1.34.4", "ok"],
    ["v1.35.0", "ok"],
    ["v1.36.4+k3s1", "ok"],
    ["v1.37.0", "unknown"],
    ["v2.0.0", "unknown"],
  ])("%s is %s", (version, state) => {
    const check = kubernetesCheck(version);
    expect(check).toMatchObject({ area: "versions", state, message: expect.stringContaining(version) });
    const remedy = expect.stringContaining("1.34 to 1.36 are supported");
    expect(check.remedy).toEqual(state === "ok" ? undefined : remedy);
  });
});

it.each([
  ["v1.34.4", "Kubernetes v1.34.4"],
  ["v1.35.0", "Kubernetes v1.35.0, between the versions that the tests run on: 1.34 and 1.36"],
  ["v1.36.4", "Kubernetes v1.36.4"],
])("says of %s whether the tests run on it", (version, message) => {
  expect(kubernetesCheck(version).message).toBe(message);
});

describe("the remedy for a person in no class", () => {
  const person = (username: string, groups: string[]) => ({
    create: async <T>() => ({ status: { userInfo: { username, groups } } }) as T,
  });

  it.each([
    ["fatma", ["ops", "system:authenticated"], "in --platform-groups: ops"],
    ["fatma", ["system:authenticated"], "install as a member of a group"],
    [
      "kube:admin",
      ["system:cluster-admins", "system:authenticated"],
      "--platform-groups: system:cluster-admins",
    ],
    [
      "system:serviceaccount:argocd:controller",
      ["system:serviceaccounts", "system:serviceaccounts:argocd", "system:authenticated"],
      "in --platform-service-account-namespaces: argocd",
    ],
  ])("for %s of %j names the list to use, and never a group of everyone", async (name, groups, remedy) => {
    const [check] = await checkIdentity(person(name, groups), identityLists());
    expect(check).toMatchObject({ state: "problem", remedy: expect.stringContaining(remedy) });
    expect(check?.remedy).not.toMatch(/system:(?!cluster-admins)/);
  });
});

describe("the version of PostgreSQL", () => {
  it.each([
    [140_020, "problem", "14.20"],
    [150_001, "ok", "15.1"],
    [180_004, "ok", "18.4"],
    [190_000, "unknown", "19.0"],
  ])("%i is %s", (version, state, shown) => {
    expect(postgresCheck(version)).toMatchObject({ state, message: expect.stringContaining(shown) });
  });
});

describe("a database", () => {
  it("with a URL that names a missing file is a problem, and the output does not contain the URL", async () => {
    const url = "postgres://u:a-password@db.example/x?sslmode=verify-full&sslrootcert=/absent/ca.pem";
    const checks = await checkDatabase(url);
    expect(checks).toMatchObject([{ state: "problem", message: expect.stringContaining("/absent/ca.pem") }]);
    expect(JSON.stringify(checks)).not.toContain("a-password");
  });
});

describe("the webhook's certificate", () => {
  const NOW = new Date("2026-06-01T00:00:00Z");
  const DAY_MS = 86_400_000;

  /** A cluster with these webhooks, and with a Deployment that has a variable of this name. */
  const check = (webhooks: object[] | undefined, variable = "LOG_LEVEL") =>
    checkCertificates(
      {
        get: async <T>(resource: Resource) => {
          const containers = [{ env: [{ name: variable }] }];
          return (
            resource === DEPLOYMENTS ? { spec: { template: { spec: { containers } } } } : { webhooks }
          ) as T;
        },
      },
      NOW,
    );
  async function webhook(days: number) {
    const pem = await authorityThatEnds(new Date(NOW.getTime() + days * DAY_MS));
    return { clientConfig: { caBundle: Buffer.from(pem).toString("base64") } };
  }

  it.each([
    [400.5, "ok", "the webhook's authority is valid for 400 days"],
    [5.5, "problem", "the webhook's authority is valid for 5 days"],
    [-2.5, "problem", "the webhook's authority ended 2 days ago"],
  ])("with an authority that ends in %d days is %s", async (days, state, message) => {
    expect(await check([await webhook(days)])).toMatchObject([
      { area: "certificates", state, message: `made by the operator: ${message}` },
    ]);
  });

  it.each([
    ["LOG_LEVEL", "made by the operator"],
    ["WEBHOOK_CERT_DIR", "from a Secret"],
    ["WEBHOOK_CERT_SECRET", "from cert-manager"],
  ])("of a Deployment with %s is %s", async (variable, mode) => {
    const [found] = await check([await webhook(100)], variable);
    expect(found?.message).toMatch(new RegExp(`^${mode}: `));
  });

  it.each([[undefined], [[]], [[{ clientConfig: {} }]], [[{ clientConfig: { caBundle: "AAAA" } }]]])(
    "has no authority with the webhooks %j",
    async (webhooks) => {
      expect(await check(webhooks)).toMatchObject([
        { state: "problem", message: "the webhook configuration has no authority" },
      ]);
    },
  );
});

describe("an area that cannot be read", () => {
  it.each([
    [403, "run it again as a user who may read this"],
    [503, "run it again when the API server answers"],
  ])("is unknown after a %i, with a remedy", async (status, remedy) => {
    const look = async () => {
      throw new KubeError("refused", { status, reason: "Refused" });
    };
    expect(await checksOf("names", look)).toEqual([
      { area: "names", state: "unknown", message: "refused", remedy },
    ]);
  });
});

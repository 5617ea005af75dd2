import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { blueprintArtifact, catalystImage } from "../../src/playground/image.ts";
import { startRegistry } from "../../src/playground/registry/server.ts";
import { signArtifact, signatureTag } from "../../src/playground/registry/signature.ts";
import { KYVERNO_CASES } from "../support/suite/kyverno-case.ts";
import { type KyvernoCase, NAMESPACE_LABELS } from "../support/suite/kyverno-case-builder.ts";
import { DEFINITIONS } from "../support/suite/red-team/kind.ts";
import { configMap, pod } from "../support/suite/red-team/object.ts";
import { PEOPLE } from "../support/suite/red-team/person.ts";

const ROOT = join(import.meta.dirname, "../..");
const KYVERNO = join(process.env.KUBEBUILDER_ASSETS ?? "", "kyverno");
const POLICIES = join(ROOT, "policies/kyverno");

interface Result {
  policy: string;
  result: "pass" | "fail" | "error" | "skip" | "warn";
  message: string;
  resources: { kind: string; name: string }[];
}

const identityOf = ({ resource: { kind, metadata } }: KyvernoCase) => `${kind}/${metadata.name}`;

/** The cases by person and operation: one run of the CLI has one person and one operation. */
const groups = Map.groupBy(KYVERNO_CASES, ({ by, operation }) => `${by} ${operation}`);

const folder = mkdtempSync(join(tmpdir(), "catalyst-kyverno-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, ...objects: object[]): string {
  const path = join(folder, name);
  writeFileSync(path, objects.map((object) => stringify(object)).join("---\n"));
  return path;
}

async function runKyverno(...args: string[]): Promise<Result[]> {
  const { stdout } = await promisify(execFile)(
    KYVERNO,
    ["apply", ...args, "--policy-report", "--output-format", "json", "--continue-on-fail"],
    { maxBuffer: 64 << 20 },
  ).catch((error: { stdout: string; stderr: string }) => {
    // The CLI ends with 1 when a policy denies.
    if (!error.stdout.startsWith("{")) throw new Error(error.stdout + error.stderr);
    return error;
  });
  return JSON.parse(stdout).results;
}

describe("the Kyverno policies", () => {
  const results = new Map<KyvernoCase, Result[]>();

  async function apply(cases: readonly KyvernoCase[]): Promise<Result[]> {
    const [{ by, operation }] = cases as [KyvernoCase];
    const { user, groups: userGroups } = PEOPLE[by];
    const name = `${by}-${operation}`;
    const policies = readdirSync(POLICIES).filter((file) => file !== "image-signature.yaml");
    const definitions = [
      ...readdirSync(join(ROOT, "crds")).map((file) => join(ROOT, "crds", file)),
      ...DEFINITIONS.filter(({ spec }) =>
        cases.some(({ resource }) => resource.kind === spec.names.kind),
      ).map((definition, index) => write(`${name}-definition-${index}.yaml`, definition)),
    ];
    return runKyverno(
      ...policies.map((file) => join(POLICIES, file)),
      ...["--resource", write(`${name}-resources.yaml`, ...cases.map(({ resource }) => resource))],
      ...["--userinfo", write(`${name}-user.yaml`, userInfo(user, userGroups))],
      ...["--values-file", write(`${name}-values.yaml`, values(operation))],
      ...["--crd-paths", definitions.join()],
    );
  }

  beforeAll(async () => {
    for (const cases of groups.values()) {
      const found = await apply(cases);
      for (const it of cases)
        results.set(
          it,
          found.filter(({ resources }) =>
            resources.some(({ kind, name }) => `${kind}/${name}` === identityOf(it)),
          ),
        );
    }
    // The CLI compiles all policies again for each object: 25 s on an idle machine, minutes on a busy one.
  }, 300_000);

  it("have the Kyverno CLI for their tests: test/conformance/build-tools.sh FOLDER builds it", () => {
    expect(existsSync(KYVERNO)).toBe(true);
  });

  it.each(KYVERNO_CASES.map((it) => [it.expected ?? "no rule", it.by, it.title, it] as const))(
    "answer with %s that %s %s",
    (_rule, _by, _title, it) => {
      const found = results.get(it) ?? [];
      expect(found).not.toEqual([]);
      expect(found.filter(({ result }) => result === "error")).toEqual([]);
      const rules = found
        .filter(({ result }) => result === "fail")
        .map(({ message }) => message.split(":")[0]);
      expect(rules).toEqual(it.expected === undefined ? [] : [it.expected]);
    },
  );
});

describe("the Kyverno policy for signatures of images", () => {
  it("passes only an image that the key in the ConfigMap signed", async () => {
    const registry = await startRegistry();
    const [key, otherKey] = [newKey(), newKey()];
    const signed = catalystImage();
    const unsigned = blueprintArtifact("unsigned", "1.0.0");
    const foreign = blueprintArtifact("foreign", "1.0.0");
    const referenceOf = ({ repository, digest }: typeof signed) =>
      `${new URL(registry.origin).host}/${repository}@${digest}`;
    for (const artifact of [signed, unsigned, foreign]) registry.push(artifact);
    for (const [artifact, { secret }] of [
      [signed, key],
      [foreign, otherKey],
    ] as const)
      registry.push(signArtifact(artifact, referenceOf(artifact), secret), signatureTag(artifact.digest));
    const pods = Object.entries({ signed, unsigned, foreign }).map(([name, artifact]) => ({
      ...pod(name, referenceOf(artifact)),
      metadata: { name, namespace: "shop" },
    }));
    const { user, groups: userGroups } = PEOPLE.stranger;
    const found = await runKyverno(
      join(POLICIES, "image-signature.yaml"),
      ...["--resource", write("signature-pods.yaml", ...pods)],
      ...["--userinfo", write("signature-user.yaml", userInfo(user, userGroups))],
      ...["--context-file", write("signature-context.yaml", contextOf(key.public)), "--registry"],
    );
    await registry.close();
    expect(Object.fromEntries(found.map(({ result, resources }) => [resources[0]?.name, result]))).toEqual({
      signed: "pass",
      unsigned: "fail",
      foreign: "fail",
    });
    for (const { message } of found.filter(({ result }) => result === "fail"))
      expect(message).toMatch(/^image-signature: spec\.containers\[\*\]\.image: /);
  });
});

function newKey(): { public: string; secret: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    public: publicKey.export({ type: "spki", format: "pem" }).toString(),
    secret: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const contextOf = (publicKey: string) => ({
  apiVersion: "cli.kyverno.io/v1alpha1",
  kind: "Context",
  metadata: { name: "context" },
  spec: {
    resources: [
      {
        ...configMap("catalyst-kyverno-key", { data: { "cosign.pub": publicKey } }),
        metadata: { name: "catalyst-kyverno-key", namespace: "catalyst-system" },
      },
    ],
  },
});

const userInfo = (username: string, groups: readonly string[]) => ({
  apiVersion: "cli.kyverno.io/v1alpha1",
  kind: "UserInfo",
  metadata: { name: "sender" },
  userInfo: { username, groups },
});

const values = (operation: string) => ({
  apiVersion: "cli.kyverno.io/v1alpha1",
  kind: "Values",
  metadata: { name: "values" },
  globalValues: { "request.operation": operation },
  namespaceSelector: Object.entries(NAMESPACE_LABELS).map(([name, labels]) => ({ name, labels })),
});

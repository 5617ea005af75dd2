import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toCustomResourceDefinition } from "../../../src/api/crd.ts";
import { KINDS } from "../../../src/api/kind-list.ts";
import { readExamplesOrRefuse } from "../../../src/cli/playground/example.ts";
import { compileStructuralSchema, type JsonObject } from "../../../src/playground/apiserver/index.ts";
import { blueprintArtifact, catalystImage, imageReference } from "../../../src/playground/image.ts";

const FOLDER = join(import.meta.dirname, "../../../docs/examples");
const examples = readExamplesOrRefuse(FOLDER, "omantel-admin");

interface CrdSpec {
  group: string;
  names: { kind: string };
  versions: { schema: { openAPIV3Schema: never } }[];
}

const schemas = new Map(
  KINDS.map((definition) => {
    const { group, names, versions } = toCustomResourceDefinition(definition).spec as CrdSpec;
    return [
      definition.kind,
      compileStructuralSchema(versions[0]?.schema.openAPIV3Schema as never, { group, kind: names.kind }),
    ];
  }),
);

/** Messages of the API server's own validation, CEL rules included. */
function refusals(manifest: object, old?: object): string[] {
  const kind = (manifest as { kind: string }).kind;
  const schema = schemas.get(kind);
  if (schema === undefined) throw new Error(`no schema for ${kind}`);
  const defaulted = (object: object) => {
    const copy = structuredClone(object) as JsonObject;
    schema.default(copy);
    return copy;
  };
  const errors = schema.validate(defaulted(manifest), old === undefined ? undefined : defaulted(old));
  return errors.map((error) => JSON.stringify(error));
}

function example(kind: string, name: string): Record<string, unknown> & { spec: Record<string, unknown> } {
  const found = examples.find(({ manifest }) => manifest.kind === kind && manifest.metadata.name === name);
  if (found === undefined) throw new Error(`docs/examples has no ${kind} ${name}`);
  return structuredClone(found.manifest) as never;
}

describe("docs/examples", () => {
  it.each(
    examples
      .filter(({ manifest }) => manifest.kind !== "ConfigMap")
      .map(({ file, manifest }) => [file, manifest]),
  )("%s is accepted", (_, manifest) => {
    expect(refusals(manifest as object)).toEqual([]);
  });

  it("name the digests of what the playground serves", () => {
    expect(example("BillingRelease", "stable").spec.image).toBe(imageReference(catalystImage()));
    for (const name of ["web-shop", "grey-shop"]) {
      const { source, version } = example("Blueprint", name).spec as {
        source: { ref: string };
        version: string;
      };
      expect(source.ref).toBe(`oci://${imageReference(blueprintArtifact(name, version))}`);
    }
  });

  it("carry the public halves of the demonstration keys", () => {
    const pem = (name: string) => readFileSync(join(FOLDER, "keys", `${name}-demo.pub`), "utf8").trim();
    expect(JSON.stringify(example("Franchise", "omantel").spec)).toContain(
      JSON.stringify(pem("omantel")).slice(1, -1),
    );
  });
});

describe("rules of the kinds", () => {
  const change = (kind: string, name: string, edit: (spec: Record<string, never>) => void) => {
    const manifest = example(kind, name);
    edit(manifest.spec as Record<string, never>);
    return manifest;
  };

  it.each<[string, string, string, (spec: Record<string, unknown>) => void]>([
    [
      "spec.image must be pinned by digest: write repository@sha256:<64 hex>, without a tag",
      "BillingRelease",
      "stable",
      (spec) => Object.assign(spec, { image: "registry.example/catalyst:latest" }),
    ],
    [
      "spec.franchise is required when role is Franchised, and not allowed otherwise",
      "Sovereign",
      "omantel",
      (spec) => Reflect.deleteProperty(spec, "franchise"),
    ],
    [
      "spec.franchise is required when role is Franchised, and not allowed otherwise",
      "Sovereign",
      "catalyst-zero",
      (spec) => Object.assign(spec, { franchise: "omantel" }),
    ],
    [
      "spec.parent is not allowed when role is CatalystZero",
      "Sovereign",
      "catalyst-zero",
      (spec) => Object.assign(spec, { parent: "omantel" }),
    ],
    [
      "auth.issuer and auth.audience need each other: set both, or neither",
      "Sovereign",
      "omantel",
      (spec) => Object.assign((spec.billing as { auth: object }).auth, { issuer: "https://id.example" }),
    ],
    ...["http://id.example", undefined].map(
      (issuer): [string, string, string, (spec: Record<string, unknown>) => void] => [
        "auth.caCertificateRef needs an auth.issuer that begins with https://: set both, or neither",
        "Sovereign",
        "omantel",
        (spec) =>
          Object.assign((spec.billing as { auth: object }).auth, {
            ...(issuer === undefined ? {} : { issuer, audience: "billing" }),
            caCertificateRef: { kind: "ConfigMap", name: "ca", key: "ca.crt" },
          }),
      ],
    ),
    [
      "billing needs a way to verify tokens: set auth.issuer and auth.audience, or auth.secretRef",
      "Sovereign",
      "omantel",
      (spec) => Object.assign(spec.billing as object, { auth: {} }),
    ],
    [
      "a Franchise does not contain the revenue split",
      "Franchise",
      "omantel",
      (spec) => Object.assign(spec, { revenueSplit: { openova: 30 } }),
    ],
    [
      "a Franchise does not contain the revenue split",
      "Franchise",
      "omantel",
      (spec) => Object.assign(spec, { revenueShare: "30%" }),
    ],
    [
      "term.end must be after term.start: change one of them",
      "Franchise",
      "omantel",
      (spec) => Object.assign(spec.term as object, { end: "2025-01-01T00:00:00Z" }),
    ],
    [
      "an entry of blueprintTrust needs either publicKey or keyless: set exactly one",
      "Franchise",
      "omantel",
      (spec) => Object.assign(spec, { blueprintTrust: [{}] }),
    ],
    [
      "namespace is required when kind is ServiceAccount, and not allowed otherwise",
      "Franchise",
      "omantel",
      (spec) => Object.assign(spec, { subjects: [{ kind: "ServiceAccount", name: "x" }] }),
    ],
    [
      "spec.source.ref must be pinned by digest: write oci://repository@sha256:<64 hex>, without a tag",
      "Blueprint",
      "web-shop",
      (spec) => Object.assign(spec, { source: { ref: "oci://registry.example/x:1" } }),
    ],
    [
      "a rule must have exactly one of change-window, pr-required, re-score-gate and soak",
      "EnvironmentPolicy",
      "production-window",
      (spec) => Object.assign(spec, { rules: [{}] }),
    ],
    [
      "minimum must not exceed the number of approvers: lower it, or add approvers",
      "EnvironmentPolicy",
      "production-window",
      (spec) => Object.assign(spec, { rules: [{ "pr-required": { approvers: ["a"], minimum: 2 } }] }),
    ],
  ])("say: %s (%s %s)", (message, kind, name, edit) => {
    const [first] = refusals(change(kind, name, edit as never));
    expect(first).toContain(message);
  });

  it.each([
    ["Group", "system:authenticated"],
    ["Group", "system:unauthenticated"],
    ["Group", "system:serviceaccounts"],
    ["Group", "system:masters"],
    ["User", "system:anonymous"],
  ])("refuse the %s %s as a subject of a Franchise", (kind, name) => {
    const named = (subject: object) =>
      refusals(
        change("Franchise", "omantel", ((spec: object) =>
          Object.assign(spec, { subjects: [subject] })) as never),
      );
    expect(named({ kind, name })[0]).toContain(
      "names that begin with system: are those of Kubernetes itself",
    );
    expect(named({ kind: "Group", name: "system:serviceaccounts:omantel" })).toEqual([]);
    expect(named({ kind: "User", name: "system:serviceaccount:omantel:ci" })).toEqual([]);
    expect(named({ kind: "ServiceAccount", name: "system:ci", namespace: "omantel" })).not.toEqual([]);
  });

  it.each(["CI", "ci_robot", "system:serviceaccount:omantel:ci", "-ci", "ci.", "o..m"])(
    "refuse the ServiceAccount %s as a subject, because RBAC refuses the whole binding",
    (name) => {
      const named = (subject: object) =>
        refusals(
          change("Franchise", "omantel", ((spec: object) =>
            Object.assign(spec, { subjects: [subject] })) as never),
        ).join();
      expect(named({ kind: "ServiceAccount", name, namespace: "omantel" })).toContain(
        "name of a ServiceAccount must have lower-case letters",
      );
      if (!name.startsWith("system:")) expect(named({ kind: "User", name })).toBe("");
      expect(named({ kind: "ServiceAccount", name: "ci.robot-1", namespace: "omantel" })).toBe("");
    },
  );

  it.each<[string, (spec: Record<string, unknown>) => void]>([
    ["fqdn", (spec) => Object.assign(spec, { fqdn: "other.example" })],
    ["role", (spec) => Object.assign(spec, { role: "SelfHosted", franchise: undefined })],
    ["namespace", (spec) => Object.assign(spec, { namespace: "elsewhere" })],
  ])("keep a Sovereign's %s as it was created", (field, edit) => {
    const after = change("Sovereign", "omantel", edit as never);
    expect(refusals(JSON.parse(JSON.stringify(after)), example("Sovereign", "omantel")).join()).toContain(
      `spec.${field} is immutable: delete the Sovereign and create another`,
    );
  });
});

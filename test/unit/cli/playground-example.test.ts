import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { readExamplesOrRefuse } from "../../../src/cli/playground/example.ts";

const EXAMPLES = join(import.meta.dirname, "../../../docs/examples");
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The problems of the shipped examples after `edit` changed one file, without the folder's name. */
function refusal(file: string, edit: (text: string) => string | undefined): string[] {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-examples-"));
  folders.push(folder);
  cpSync(EXAMPLES, folder, { recursive: true });
  const path = join(folder, file);
  const text = edit(readFileSync(path, { encoding: "utf8", flag: "a+" }));
  if (text === undefined) rmSync(path);
  else writeFileSync(path, text);
  try {
    readExamplesOrRefuse(folder, "omantel-admin");
    return [];
  } catch (error) {
    return (error as Error).message.split("\n").map((line) => line.replaceAll(folder, "").replace(/^\//, ""));
  }
}

const replace = (from: string | RegExp, to: string) => (text: string) => text.replace(from, to);
const OMANTEL = "50-sovereign-omantel.yaml";
const RELEASE = "20-billing-release.yaml";

describe("the checks of the examples", () => {
  it("accept the shipped examples", () => {
    expect(refusal("README.md", () => undefined)).toEqual([]);
  });

  it.each<[string, string, (text: string) => string | undefined, string]>([
    [
      "an unknown field",
      OMANTEL,
      replace("spec:", "spec:\n  fooBar: 1"),
      'Sovereign omantel: unknown field "spec.fooBar"',
    ],
    [
      "a wrong enumeration",
      OMANTEL,
      replace("role: Franchised", "role: Emperor"),
      'Sovereign omantel: spec.role: Unsupported value: "Emperor": supported values: "CatalystZero", "Franchised", "SelfHosted"',
    ],
    [
      "another version of our group",
      OMANTEL,
      replace("/v1alpha1", "/v1"),
      "Sovereign omantel: apiVersion: Sovereign is served as catalyst.openova.io/v1alpha1, not as catalyst.openova.io/v1",
    ],
    [
      "an unknown kind",
      OMANTEL,
      replace("kind: Sovereign", "kind: Sovreign"),
      "Sovreign omantel: apiVersion, kind: catalyst.openova.io/v1alpha1 has no kind Sovreign here",
    ],
    [
      "a CEL rule broken",
      OMANTEL,
      replace("role: Franchised", "role: SelfHosted"),
      "Sovereign omantel: spec.franchise: Invalid value: spec.franchise is required when role is Franchised, and not allowed otherwise",
    ],
    [
      "an invalid name",
      OMANTEL,
      replace("name: omantel", "name: Omantel_X"),
      'Sovereign Omantel_X: metadata.name: Invalid value: "Omantel_X": a lowercase RFC 1123 subdomain',
    ],
    [
      "a missing namespace",
      "10-trust.yaml",
      replace("  namespace: catalyst-system\n", ""),
      "ConfigMap catalyst-trust: metadata.namespace: Required value: a ConfigMap is namespaced",
    ],
    [
      "an unknown namespace",
      "10-trust.yaml",
      replace("namespace: catalyst-system", "namespace: elsewhere"),
      "ConfigMap catalyst-trust: metadata.namespace: namespace elsewhere does not exist; use one of default, ",
    ],
    [
      "a trust that cannot be read",
      "10-trust.yaml",
      replace("allowedRegistries: []", "allowedRegistry: []"),
      "ConfigMap catalyst-trust: data[trust.yaml]: allowedRegistry is not a field of trust.yaml",
    ],
    [
      "an image by tag",
      RELEASE,
      replace(/@sha256:\S+/, ":latest"),
      'BillingRelease stable: spec.image: Invalid value: "registry.catalyst.example/catalyst:latest": spec.image must be pinned by digest: write repository@sha256:<64 hex>, without a tag',
    ],
    [
      "a digest that this machine does not have",
      RELEASE,
      replace(/sha256:.{8}/, "sha256:00000000"),
      "BillingRelease stable: spec.image: this machine does not have registry.catalyst.example/catalyst@sha256:00000000",
    ],
    [
      "an unknown Franchise",
      OMANTEL,
      replace("franchise: omantel", "franchise: nobody"),
      "Sovereign omantel: spec.franchise: Franchise nobody does not exist",
    ],
    [
      "an unknown parent",
      OMANTEL,
      replace("parent: catalyst-zero", "parent: omantel"),
      "Sovereign omantel: spec.parent: no other Sovereign is named omantel",
    ],
    [
      "a tier outside the Franchise",
      OMANTEL,
      replace("id: business", "id: hyperscale"),
      "Sovereign omantel: spec.tiers: Franchise omantel does not grant tier hyperscale",
    ],
    [
      "a suspended Sovereign",
      OMANTEL,
      replace("spec:", "spec:\n  suspend: true"),
      "Sovereign omantel: spec.suspend: must not be true: a suspended Sovereign never becomes Ready",
    ],
    [
      "a kind that the story does not apply",
      "80-more.yaml",
      () => "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: more\n",
      "Namespace more: kind: must be one that the story applies: ConfigMap, ",
    ],
    [
      "an artifact that the registry does not have",
      "70-blueprint-signed.yaml",
      replace("version: 1.0.0", "version: 1.0.1"),
      "Blueprint web-shop: spec.source.ref: the playground's registry does not have oci://",
    ],
    [
      "a Franchise without the user that acts as the Franchisee",
      "40-franchise-omantel.yaml",
      replace("name: omantel-admin", "name: somebody"),
      "Franchise omantel: spec.subjects: Required value: User omantel-admin",
    ],
  ])("refuse %s", (_, file, edit, words) => {
    const lines = refusal(file, edit);
    expect(lines.join("\n")).toContain(`${file}: ${words}`);
    expect(lines).toHaveLength(1);
  });

  it.each<[string, string, (text: string) => string | undefined, string]>([
    ["no release", RELEASE, () => undefined, "no BillingRelease: add one that names the image to run"],
    ["an empty file for the franchised Sovereign", OMANTEL, () => "", "no Sovereign with role Franchised"],
    [
      "no Catalyst-Zero",
      "30-sovereign-catalyst-zero.yaml",
      () => undefined,
      "no Sovereign with role CatalystZero",
    ],
    [
      "no Blueprint to deny",
      "71-blueprint-unsigned.yaml",
      () => undefined,
      "no file *-blueprint-unsigned.yaml",
    ],
    ["no YAML", OMANTEL, () => "a: [", `${OMANTEL}: not valid YAML:`],
    [
      "no manifest",
      OMANTEL,
      () => "just: this",
      `${OMANTEL}: a manifest must have apiVersion, kind and metadata.name`,
    ],
    [
      "two of one name",
      "51-twin.yaml",
      () => readFileSync(join(EXAMPLES, OMANTEL), "utf8"),
      `51-twin.yaml: Sovereign omantel: metadata.name: Duplicate value: ${OMANTEL} has the same name`,
    ],
    [
      "two of one domain name",
      "51-sibling.yaml",
      () => readFileSync(join(EXAMPLES, OMANTEL), "utf8").replace("name: omantel\n", "name: sibling\n"),
      "51-sibling.yaml: Sovereign sibling: spec.fqdn: Duplicate value: another Sovereign has omantel.omani.works",
    ],
  ])("refuse %s", (_, file, edit, words) => {
    expect(refusal(file, edit).join("\n")).toContain(words);
  });

  it("report all problems at once, one per line", () => {
    const lines = refusal(OMANTEL, (text) =>
      text.replace("franchise: omantel", "franchise: nobody").replace("release: stable", "release: none"),
    );
    expect(lines).toEqual([
      `${OMANTEL}: Sovereign omantel: spec.billing.release: BillingRelease none does not exist`,
      `${OMANTEL}: Sovereign omantel: spec.franchise: Franchise nobody does not exist`,
    ]);
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NATIVE_RULES } from "../../../src/admission/policy/guard.ts";
import { DESTINATION_KINDS } from "../../../src/admission/rules/destination-field.ts";
import { RULE_IDS } from "../../../src/admission/rules/rule-id.ts";

const ROOT = join(import.meta.dirname, "../../..");
const RULES = join(ROOT, "src/admission/rules");

const sources = readdirSync(RULES)
  .filter((file) => file !== "rule-id.ts")
  .map((file) => readFileSync(join(RULES, file), "utf8"))
  .join("\n");
const franchiseModel = readFileSync(join(ROOT, "docs/FRANCHISE-MODEL.md"), "utf8");
const cannot = franchiseModel.split("It **cannot**")[1]?.split("## 6.")[0] ?? "";
const table =
  readFileSync(join(ROOT, "docs/admission.md"), "utf8").split("\n## Rules")[1]?.split("\n## ")[0] ?? "";
const inDocs = new Set(
  table
    .split("\n")
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, rule]) => rule)),
);

describe("docs/admission.md", () => {
  it("lists every rule, and no other", () => {
    expect([...inDocs].sort()).toEqual([...RULE_IDS]);
  });
});

/** Words in docs/admission.md for kinds that it does not call by their names. */
const WORDS: Readonly<Record<string, string>> = {
  upstreamgroups: "upstreams of gloo",
  webhooks: "generators of webhooks",
  ciliumlocalredirectpolicies: "local redirects",
  ciliumenvoyconfigs: "envoy configurations",
  ciliumendpoints: "endpoints of cilium",
  securitypolicies: "policies of envoy gateway",
  envoypatchpolicies: "policies of envoy gateway",
  envoyextensionpolicies: "policies of envoy gateway",
};

describe("the table of what fails closed in docs/admission.md", () => {
  const closed =
    readFileSync(join(ROOT, "docs/admission.md"), "utf8")
      .split("\n## While the webhook is down")[1]
      ?.split("\n## ")[0]
      ?.toLowerCase() ?? "";
  const kinds = Object.values(DESTINATION_KINDS)
    .flat()
    .map((resource) => resource.split("/")[0] ?? "");

  it.each([...new Set(kinds)])("names %s", (resource) => {
    // Whole words: `probes` is also a part of other words.
    expect(closed).toMatch(new RegExp(`\\b${WORDS[resource] ?? resource}\\b`));
  });
});

describe("docs/denied.md", () => {
  const sections = readFileSync(join(ROOT, "docs/denied.md"), "utf8")
    .split(/^## /m)
    .slice(1)
    .map((text) => text.split("\n"));

  it("has a section for every rule, in order, and no other", () => {
    expect(sections.map(([title]) => title)).toEqual([...RULE_IDS, ...NATIVE_RULES].sort());
  });

  it.each(sections.map(([title, ...lines]) => [title, lines] as const))(
    "says of %s what is denied, why, what to do instead and who can do it",
    (_, lines) => {
      const points = lines.flatMap((line) => /^- \*\*(.+):\*\* \S/.exec(line)?.[1] ?? []);
      expect(points).toEqual(["Denied", "Why", "Instead", "Who can"]);
    },
  );
});

describe("docs/FRANCHISE-MODEL.md", () => {
  it("names every rule among the things that a Franchisee cannot do", () => {
    const named = [...cannot.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, rule]) => rule);
    expect(named.sort()).toEqual([...RULE_IDS]);
  });
});

describe("RULE_IDS", () => {
  it("lists the rules in order, each of which a file of rules names", () => {
    expect(RULE_IDS).toEqual([...RULE_IDS].sort());
    expect(RULE_IDS.filter((rule) => !sources.includes(`"${rule}"`))).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import type { Enforcement } from "../../src/admission/enforcement.ts";
import { desiredNativePolicies } from "../../src/admission/policy/native/policy-list.ts";
import { type IdentityLists, identityLists } from "../../src/admission/rules/identity.ts";
import type { KubernetesObject } from "../../src/api/object.ts";
import { render, withoutChartLabels } from "./helm-chart.ts";

describe("the chart", () => {
  const DOCS_URL = 'https://docs.test/"denied"?page=1';
  it.each<
    [string, args: string[], added: Partial<IdentityLists>, enforcement: Enforcement, docsUrl?: string]
  >([
    ["no values", [], {}, "Deny"],
    ["enforcement Audit", ["--set", "enforcement=Audit"], {}, "Audit"],
    [
      "a page of its own, with characters that YAML escapes",
      ["--set-string", `docsUrl=${DOCS_URL}`],
      {},
      "Deny",
      DOCS_URL,
    ],
    [
      "values that add, repeat and move entries",
      [
        "--set",
        "platform.groups={a & b,system:masters,it's}",
        "--set",
        "platform.serviceAccountNamespaces={ops,kyverno}",
        "--set",
        "controllers.namespaces={keda,ops,velero}",
        "--set",
        "controlPlane.userPrefixes={eks:}",
      ],
      {
        platformGroups: ["a & b", "system:masters", "it's"],
        platformNamespaces: ["ops", "kyverno"],
        controlPlanePrefixes: ["eks:"],
        controllerNamespaces: ["keda", "ops", "velero"],
      },
      "Deny",
    ],
  ])(
    "renders the policies that the operator keeps: with %s",
    async (_, args, added, enforcement, docsUrl) => {
      const rendered = (await render(...args))
        .filter(({ kind }) => kind.startsWith("ValidatingAdmission"))
        .map(withoutChartLabels);
      const byName = (objects: KubernetesObject[]) =>
        new Map(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]));
      const kept = desiredNativePolicies(identityLists(added), enforcement, docsUrl);
      expect(byName(rendered)).toEqual(byName(kept));
    },
  );
});

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { grants, parsePolicyRules } from "../../../../src/admission/rules/rbac-grant.ts";
import { sleep } from "../../../../src/platform/shutdown.ts";
import { type ApiConnection, createApiConnection } from "../../../../src/playground/story/api-connection.ts";
import { startTestControlPlane, type TestControlPlane } from "../../server/kube-apiserver.ts";
import { accessObjects } from "./cluster-object.ts";
import { randomRight, randomRules } from "./random-right.ts";
import { ACCESS_TABLE, accessTable, DISCOVERY, type Question, type Subject } from "./table.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";

interface Role {
  metadata: { name: string; labels?: Record<string, string> };
  rules: unknown[] | null;
}

/** Sends SubjectAccessReviews about every right to an API server that has the shipped roles. */
export function describeAccess(kind: "embedded" | "real"): void {
  describe(`the shipped roles on the ${kind} API server`, () => {
    let plane: TestControlPlane;
    let api: ApiConnection;
    beforeAll(async () => {
      plane = await startTestControlPlane(kind);
      api = createApiConnection(plane.kubeconfigPath);
      for (const name of ["catalyst-system", "catalog", "catalog-sovereign", "sovereign-omantel", "org-acme"])
        await must("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
      for (const { kind: objectKind, metadata, ...object } of accessObjects()) {
        const scope = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
        const path = `${RBAC}${scope}/${objectKind.toLowerCase()}s`;
        await must("POST", path, { ...object, kind: objectKind, metadata });
      }
      await aggregate("view");
      await aggregate("edit");
    });
    afterAll(async () => {
      await api?.close();
      await plane?.close();
    });

    async function must(method: "GET" | "POST" | "PUT", path: string, body?: object): Promise<unknown> {
      const answer = await api.send({ method, path, ...(body === undefined ? {} : { body }) });
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    }

    /** Does what the controller manager does, because none runs here. The embedded API server aggregates by itself. */
    async function aggregate(name: string): Promise<void> {
      const { items } = (await must("GET", `${RBAC}/clusterroles`)) as { items: Role[] };
      const label = `rbac.authorization.k8s.io/aggregate-to-${name}`;
      const parts = items.filter(({ metadata }) => metadata.labels?.[label] === "true");
      const path = `${RBAC}/clusterroles/${name}`;
      const role = (await must("GET", path)) as Role;
      await must("PUT", path, { ...role, rules: parts.flatMap(({ rules }) => rules ?? []) });
    }

    async function review(spec: object): Promise<boolean> {
      const answer = (await must("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        ...{ apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec },
      })) as { status: { allowed: boolean } };
      return answer.status.allowed;
    }

    const ask = ({ user, groups }: Subject, question: Question) =>
      review({ user, groups, resourceAttributes: question });

    it("give each subject exactly the rights in the recorded list", async () => {
      expect(await accessTable(ask)).toBe(readFileSync(ACCESS_TABLE, "utf8"));
    });

    it("agree with admission about what a rule grants", async () => {
      const differences: unknown[] = [];
      const roles = fc.sample(randomRules, { numRuns: 30, seed: 10 });
      for (const [index, rules] of roles.entries()) {
        const [name, user] = [`random-${index}`, `random-user-${index}`];
        const object = { apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name } };
        await must("POST", `${RBAC}/clusterroles`, { ...object, kind: "ClusterRole", rules });
        await must("POST", `${RBAC}/clusterrolebindings`, {
          ...{ ...object, kind: "ClusterRoleBinding" },
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
          subjects: [{ kind: "User", name: user, apiGroup: "rbac.authorization.k8s.io" }],
        });
      }
      // The real API server applies new bindings after a short delay.
      await sleep(2_000);
      for (const [index, rules] of roles.entries())
        for (const right of fc.sample(randomRight, { numRuns: 30, seed: index })) {
          const attributes =
            "path" in right ? { nonResourceAttributes: right } : { resourceAttributes: right };
          const allowed = await review({ user: `random-user-${index}`, ...attributes });
          if (parsePolicyRules(rules).some((rule) => grants(rule, right)) !== allowed)
            differences.push({ rules, right, allowed });
        }
      expect(differences).toEqual([]);
    });

    it.runIf(kind === "real")("are asked about everything that this API server serves", async () => {
      const { groups } = (await must("GET", "/apis")) as {
        groups: { name: string; preferredVersion: { groupVersion: string } }[];
      };
      const versions = [
        ["", "/api/v1"],
        ...groups.map((it) => [it.name, `/apis/${it.preferredVersion.groupVersion}`]),
      ];
      const lists = await Promise.all(
        versions.map(async ([group = "", path = ""]) => {
          const { resources } = (await must("GET", path)) as {
            resources: { name: string; namespaced: boolean; verbs: string[] }[];
          };
          return resources.map(
            ({ name, namespaced, verbs }) =>
              `${name}.${group}${namespaced ? "" : " cluster"} ${[...verbs].sort().join(",")}`,
          );
        }),
      );
      expect(lists.flat().sort()).toEqual(readFileSync(DISCOVERY, "utf8").trim().split("\n").sort());
    });
  });
}

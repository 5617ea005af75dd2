import { expect } from "vitest";
import { MERGE } from "../../../server/api-request.ts";
import { eventually } from "../../../wait.ts";
import { type Area, behaviour, outcome } from "../behaviour.ts";
import { grant, grantEverywhere, RBAC, READ } from "../grant.ts";

export const roleArea: Area = {
  title: "Roles and bindings",
  behaviours: [
    behaviour(
      "lets a user grant only what the user has",
      async (bench) => {
        const user = await grant(bench, [
          ...READ,
          { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles"], verbs: ["create"] },
        ]);
        const create = (name: string, rules: object[]) =>
          bench.send("POST", `${bench.group(RBAC)}/roles`, { metadata: { name }, rules }, user);
        const own = await eventually(async () => {
          const answer = await create("own", READ);
          expect(answer.status).toBe(201);
          return answer;
        });
        const more = await create("more", [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }]);
        return [outcome(own), outcome(more)];
      },
      ["201", "403 Forbidden"],
    ),
    behaviour(
      "lets a user bind only roles whose rights the user has, or that the user may bind",
      async (bench) => {
        const user = await grant(bench, [
          { apiGroups: ["rbac.authorization.k8s.io"], resources: ["rolebindings"], verbs: ["create"] },
          {
            ...{ apiGroups: ["rbac.authorization.k8s.io"], resources: ["clusterroles"] },
            ...{ verbs: ["bind"], resourceNames: [`${bench.name}-free`] },
          },
        ]);
        const rules = [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }];
        for (const name of [`${bench.name}-free`, `${bench.name}-kept`])
          await bench.must("POST", `/apis/${RBAC}/clusterroles`, { metadata: { name }, rules });
        const bindTo = (name: string) =>
          bench.send(
            "POST",
            `${bench.group(RBAC)}/rolebindings?dryRun=All`,
            {
              metadata: { name },
              roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
              subjects: [],
            },
            user,
          );
        const free = await eventually(async () => {
          const answer = await bindTo(`${bench.name}-free`);
          expect(answer.status).toBe(201);
          return answer;
        });
        return [outcome(free), outcome(await bindTo(`${bench.name}-kept`))];
      },
      ["201", "403 Forbidden"],
    ),
    behaviour(
      "keeps the role of a binding",
      async (bench) => {
        await grant(bench, READ);
        const path = `${bench.group(RBAC)}/rolebindings/granted`;
        const change = { roleRef: { name: "other" } };
        return outcome(await bench.send("PATCH", path, change, { contentType: MERGE }));
      },
      "422 Invalid [roleRef FieldValueInvalid]",
    ),
    behaviour(
      "lets only a user with every right, or with the right to escalate, aggregate ClusterRoles",
      async (bench) => {
        const rights = (verbs: string[]) => [
          { apiGroups: ["rbac.authorization.k8s.io"], resources: ["clusterroles"], verbs },
        ];
        const user = await grantEverywhere(bench, rights(["create"]));
        const path = `/apis/${RBAC}/clusterroles?dryRun=All`;
        const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [bench.name]: "yes" } }] };
        const create = (rule: object) =>
          bench.send("POST", path, { metadata: { name: `${bench.name}-sum` }, rules: [], ...rule }, user);
        const plain = await eventually(async () => {
          const answer = await create({});
          expect(answer.status).toBe(201);
          return answer;
        });
        const refused = await create({ aggregationRule });
        await bench.must("PUT", `/apis/${RBAC}/clusterroles/${bench.name}`, {
          ...{ metadata: { name: bench.name }, rules: rights(["create", "escalate"]) },
        });
        const escalated = await eventually(async () => {
          const answer = await create({ aggregationRule });
          expect(answer.status).toBe(201);
          return answer;
        });
        return [outcome(plain), outcome(refused), outcome(escalated)];
      },
      ["201", "403 Forbidden", "201"],
    ),
  ],
};

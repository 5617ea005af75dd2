import { expect } from "vitest";
import { configMap, pod } from "../../../builder/api-object.ts";
import { MERGE } from "../../../server/api-request.ts";
import { eventually } from "../../../wait.ts";
import { type Area, type Bench, behaviour, lease, outcome } from "../behaviour.ts";
import { grant, READ } from "../grant.ts";
import { configure, hook } from "../webhook-configuration.ts";

const FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1";
const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "one" } };

/** Gives the user of the namespace's name a priority level without seats. */
async function shutOut({ must, name }: Bench): Promise<void> {
  await must("POST", `${FLOW}/prioritylevelconfigurations`, {
    metadata: { name },
    spec: {
      type: "Limited",
      limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: "Reject" } },
    },
  });
  await must("POST", `${FLOW}/flowschemas`, {
    metadata: { name },
    spec: {
      matchingPrecedence: 10,
      priorityLevelConfiguration: { name },
      rules: [
        {
          subjects: [{ kind: "User", user: { name } }],
          resourceRules: [
            { verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"], clusterScope: true },
          ],
        },
      ],
    },
  });
}

/** A ready Pod, and a budget that no controller has looked at yet. */
async function guardPod({ must, core, group }: Bench): Promise<void> {
  const labels = { guarded: "yes" };
  await must("POST", `${core}/pods`, { ...pod("one"), metadata: { name: "one", labels } });
  const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
  await must("PATCH", `${core}/pods/one/status`, { status }, { contentType: MERGE });
  await must("POST", `${group("policy/v1")}/poddisruptionbudgets`, {
    metadata: { name: "one" },
    spec: { minAvailable: 1, selector: { matchLabels: labels } },
  });
}

export const overloadArea: Area = {
  title: "Overload and expiry",
  behaviours: [
    behaviour(
      "answers a user whose priority level has no seats with 429, the seconds to wait, and no Status",
      async (bench) => {
        const user = await grant(bench, [{ ...READ[0], verbs: ["create", "list"] }]);
        await shutOut(bench);
        await configure(bench, "validating", hook(bench, "/slow"));
        const path = `${bench.core}/configmaps`;
        // Without a seat, a priority level still serves one request at a time. This one waits for its webhook.
        const { status, headers, body } = await eventually(async () => {
          const held = { isOver: false };
          const holding = bench.send("POST", `${path}?dryRun=All`, configMap("held"), user).finally(() => {
            held.isOver = true;
          });
          let answer = await bench.send("GET", path, undefined, user);
          while (answer.status !== 429 && !held.isOver)
            answer = await bench.send("GET", path, undefined, user);
          await holding;
          expect(answer.status).toBe(429);
          return answer;
        });
        return [status, headers["retry-after"], typeof body];
      },
      [429, "1", "string"],
      {
        code: 404,
        message: "the server could not find the requested resource",
        request: ({ send }) => send("GET", `${FLOW}/prioritylevelconfigurations`),
      },
    ),
    behaviour(
      "refuses an eviction that a budget does not allow yet with 429 and the seconds to wait",
      async (bench) => {
        await guardPod(bench);
        const answer = await bench.send("POST", `${bench.core}/pods/one/eviction`, eviction);
        return [outcome(answer), answer.headers["retry-after"], answer.body.details.retryAfterSeconds];
      },
      ["429 TooManyRequests [DisruptionBudget]", "10", 10],
      {
        code: 501,
        message: "this API server does not serve pods/eviction",
        async request(bench) {
          await guardPod(bench);
          return bench.send("POST", `${bench.core}/pods/one/eviction`, eviction);
        },
      },
    ),
    behaviour(
      "reports a continue token of a state that it no longer keeps as expired, and offers one for the present state",
      async (bench) => {
        // Events are read from etcd itself, and not from the API server's cache.
        const path = `${bench.core}/events`;
        for (const name of ["a", "b", "c"])
          await bench.must("POST", path, {
            metadata: { name },
            involvedObject: { kind: "Lease", name, namespace: bench.name },
          });
        const { metadata } = await bench.must("GET", `${path}?limit=1`);
        await bench.must("DELETE", `${path}/c`);
        const later = await bench.must("POST", `${bench.group("coordination.k8s.io/v1")}/leases`, lease("a"));
        await bench.compact(later.metadata.resourceVersion);
        const next = (token: string) => `${path}?limit=5&continue=${encodeURIComponent(token)}`;
        const answer = await bench.send("GET", next(metadata.continue));
        const rest = await bench.must("GET", next(answer.body.metadata.continue));
        return [
          outcome(answer),
          rest.items.map((event: { metadata: { name: string } }) => event.metadata.name),
        ];
      },
      ["410 Expired", ["b"]],
      {
        why: "it keeps the state of a list for a while, and offers no other token",
        tested: "test/integration/playground/apiserver/list.test.ts",
      },
    ),
  ],
};

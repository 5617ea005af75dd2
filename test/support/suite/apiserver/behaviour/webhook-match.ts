import { configMap, deployment, pod } from "../../../builder/api-object.ts";
import { MERGE } from "../../../server/api-request.ts";
import { type Area, behaviour, gadget, outcome } from "../behaviour.ts";
import { configure, hook, reviewsOf, rulesFor } from "../webhook-configuration.ts";

export const webhookMatchArea: Area = {
  title: "Requests that a webhook is called for",
  behaviours: [
    behaviour(
      "calls a webhook for the objects alone that its selector selects",
      async (bench) => {
        const objectSelector = { matchLabels: { judged: "yes" } };
        await configure(bench, "validating", hook(bench, "/deny", { objectSelector }));
        const post = (labels: object) =>
          bench.send("POST", `${bench.core}/configmaps?dryRun=All`, configMap("one", {}, { labels }));
        return [outcome(await post({})), outcome(await post({ judged: "yes" }))];
      },
      ["201", "403 Forbidden"],
    ),
    behaviour(
      "judges an object by its selector before and after a change",
      async (bench) => {
        const labels = { judged: "yes" };
        await bench.must("POST", `${bench.core}/configmaps`, configMap("one", {}, { labels }));
        await configure(
          bench,
          "validating",
          hook(bench, "/deny", { objectSelector: { matchLabels: labels } }),
        );
        const change = { metadata: { labels: { judged: null } } };
        return outcome(
          await bench.send("PATCH", `${bench.core}/configmaps/one`, change, { contentType: MERGE }),
        );
      },
      "403 Forbidden",
    ),
    behaviour(
      "evaluates match conditions before it calls a webhook",
      async (bench) => {
        const matchConditions = [{ name: "not-one", expression: "object.metadata.name != 'one'" }];
        await configure(bench, "validating", hook(bench, "/deny", { matchConditions }));
        const post = (name: string) =>
          bench.send("POST", `${bench.core}/configmaps?dryRun=All`, configMap(name));
        return [outcome(await post("one")), outcome(await post("two"))];
      },
      ["201", "403 Forbidden"],
    ),
    behaviour(
      "shows a deletion with the old object alone",
      async (bench) => {
        await bench.must("POST", `${bench.core}/configmaps`, configMap("one", { a: "1" }));
        const rules = rulesFor("", "v1", "configmaps", "*");
        await configure(bench, "validating", hook(bench, "/allow", { rules }));
        await bench.must("DELETE", `${bench.core}/configmaps/one`);
        const { request } = reviewsOf(bench).findLast((it) => it.request.operation === "DELETE") ?? {};
        const old = request?.oldObject as { data?: object } | undefined;
        return [request?.name, request?.object ?? "none", old?.data];
      },
      ["one", "none", { a: "1" }],
    ),
    behaviour(
      "shows the webhook of one version the objects of another as that version",
      async (bench) => {
        const rules = rulesFor("conformance.example.org", "v1", "gadgets", "CREATE");
        await configure(
          bench,
          "validating",
          hook(bench, "/allow", { rules, matchPolicy: "Equivalent" }),
          hook(bench, "/allow"),
        );
        const path = `${bench.group("conformance.example.org/v1beta1")}/gadgets`;
        await bench.must("POST", path, { ...gadget("one"), apiVersion: "conformance.example.org/v1beta1" });
        const { request } = reviewsOf(bench).findLast((it) => it.request.name === "one") ?? {};
        const version = (member: string) => (request?.[member] as { version?: string } | undefined)?.version;
        return [
          version("kind"),
          version("requestKind"),
          (request?.object as { apiVersion?: string })?.apiVersion,
        ];
      },
      ["v1", "v1beta1", "conformance.example.org/v1"],
    ),
    behaviour(
      "calls no webhook of another version under the match policy Exact",
      async (bench) => {
        const rules = rulesFor("conformance.example.org", "v1", "gadgets", "CREATE");
        await configure(
          bench,
          "validating",
          hook(bench, "/deny", { rules, matchPolicy: "Exact" }),
          hook(bench, "/allow"),
        );
        const beta = `${bench.group("conformance.example.org/v1beta1")}/gadgets`;
        const body = { ...gadget("one"), apiVersion: "conformance.example.org/v1beta1" };
        return [
          outcome(await bench.send("POST", beta, body)),
          outcome(await bench.send("POST", bench.gadgets, gadget("two"))),
        ];
      },
      ["201", "403 Forbidden"],
    ),
    behaviour(
      "calls a webhook for the subresources alone that its rules name",
      async (bench) => {
        const path = `${bench.group("apps/v1")}/deployments`;
        await bench.must("POST", path, deployment("one"));
        const rules = rulesFor("apps", "v1", "deployments/scale", "UPDATE");
        await configure(bench, "validating", hook(bench, "/deny", { rules }), hook(bench, "/allow"));
        const patch = (url: string) =>
          bench.send("PATCH", url, { spec: { replicas: 3 } }, { contentType: MERGE });
        return [outcome(await patch(`${path}/one/scale`)), outcome(await patch(`${path}/one`))];
      },
      ["403 Forbidden", "200"],
    ),
    behaviour(
      "calls a webhook for a connection to a Pod, and shows it the connection's options",
      async (bench) => {
        await bench.must("POST", `${bench.core}/pods`, pod("one"));
        const rules = rulesFor("", "v1", "pods/portforward", "CONNECT");
        await configure(bench, "validating", hook(bench, "/deny", { rules }));
        const answer = await bench.send("GET", `${bench.core}/pods/one/portforward?ports=80`);
        const [{ request }] = reviewsOf(bench).slice(-1) as [ReturnType<typeof reviewsOf>[number]];
        const { operation, name, subResource, object, oldObject } = request;
        return [outcome(answer), operation, name, subResource, object, oldObject];
      },
      [
        ...["403 Forbidden", "CONNECT", "one", "portforward"],
        { apiVersion: "v1", kind: "PodPortForwardOptions", ports: [80] },
        null,
      ],
    ),
  ],
};

import { configMap, deployment } from "../../../builder/api-object.ts";
import { MERGE } from "../../../server/api-request.ts";
import { type Area, type Bench, behaviour, gadget, outcome } from "../behaviour.ts";

const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

interface Column {
  name: string;
  type: string;
  priority: number;
}

interface Event {
  reason?: string;
  note?: string;
  message?: string;
}

async function table({ send }: Bench, path: string) {
  const { body } = await send("GET", path, undefined, TABLE);
  return {
    kind: body.kind,
    columns: body.columnDefinitions as Column[],
    rows: body.rows as { cells: unknown[]; object: { kind: string } }[],
  };
}

export const discoveryArea: Area = {
  title: "Discovery, tables and events",
  behaviours: [
    behaviour(
      "names the version of Kubernetes",
      async ({ must }) => {
        const { major, gitVersion } = await must("GET", "/version");
        return [major, /^v1\.\d+\./.test(gitVersion)];
      },
      ["1", true],
    ),
    behaviour(
      "answers ok to the checks of liveness and readiness",
      async ({ send }) => [
        (await send("GET", "/livez")).body,
        (await send("GET", "/readyz")).body,
        (await send("GET", "/healthz")).body,
      ],
      ["ok", "ok", "ok"],
    ),
    behaviour(
      "lists its groups, a custom one too, with the preferred version",
      async ({ must }) => {
        const { kind, groups } = await must("GET", "/apis");
        const group = groups.find(({ name }: { name: string }) => name === "conformance.example.org");
        return [
          kind,
          group.preferredVersion.version,
          group.versions.map(({ version }: { version: string }) => version),
        ];
      },
      ["APIGroupList", "v1", ["v1", "v1beta1"]],
    ),
    behaviour(
      "lists the resources of a version, with verbs, short names and subresources",
      async ({ must }) => {
        const { resources } = await must("GET", "/apis/conformance.example.org/v1");
        const find = (name: string) => resources.find((it: { name: string }) => it.name === name);
        const { kind, namespaced, shortNames, verbs, categories, singularName } = find("gadgets");
        return [
          [kind, namespaced, shortNames, categories, singularName],
          [...verbs].sort().join(" "),
          [find("gadgets/status").kind, find("gadgets/scale").kind],
        ];
      },
      [
        ["Gadget", true, ["gd"], ["toys"], "gadget"],
        "create delete deletecollection get list patch update watch",
        ["Gadget", "Scale"],
      ],
    ),
    behaviour(
      "lists everything at once where a client asks for that",
      async ({ send }) => {
        const { body } = await send("GET", "/apis", undefined, { accept: AGGREGATED });
        const group = body.items.find(
          (it: { metadata: { name: string } }) => it.metadata.name === "conformance.example.org",
        );
        const [version] = group.versions;
        const { resource, scope, responseKind } = version.resources.find(
          (it: { resource: string }) => it.resource === "gadgets",
        );
        return [body.kind, version.version, resource, scope, responseKind.kind];
      },
      ["APIGroupDiscoveryList", "v1", "gadgets", "Namespaced", "Gadget"],
    ),
    behaviour(
      "answers 404 for a group or a version that is not defined",
      async ({ send }) => [
        (await send("GET", "/apis/absent.example.org")).status,
        (await send("GET", "/apis/conformance.example.org/v9")).status,
      ],
      [404, 404],
    ),
    behaviour(
      "publishes the schema of a custom kind as OpenAPI v3",
      async ({ must }) => {
        // kube-apiserver serves the index with the media type of a text.
        const index = await must("GET", "/openapi/v3");
        const { paths } = typeof index === "string" ? JSON.parse(index) : index;
        const path = "apis/conformance.example.org/v1";
        const { components } = await must("GET", `/openapi/v3/${path}`);
        const schema = components.schemas["org.example.conformance.v1.Gadget"];
        return [
          path in paths,
          schema.properties.spec.properties.size.description,
          schema["x-kubernetes-group-version-kind"],
        ];
      },
      [true, "How large it is.", [{ group: "conformance.example.org", kind: "Gadget", version: "v1" }]],
    ),
    behaviour(
      "prints the columns of a custom kind",
      async (bench) => {
        await bench.must("POST", bench.gadgets, gadget("one", { colour: "red" }));
        const status = {
          conditions: [
            { type: "Other", status: "x" },
            { type: "Ready", status: "True" },
          ],
        };
        await bench.must("PATCH", `${bench.gadgets}/one/status`, { status }, { contentType: MERGE });
        const { kind, columns, rows } = await table(bench, bench.gadgets);
        return [
          kind,
          columns.map(({ name, type, priority }) => `${name} ${type} ${priority}`),
          rows.map(({ cells, object }) => [...cells.slice(0, 4), object.kind]),
        ];
      },
      [
        "Table",
        ["Name string 0", "Size integer 0", "Ready string 0", "Colour string 1", "Since date 0"],
        [["one", 1, "True", "red", "PartialObjectMetadata"]],
      ],
    ),
    behaviour(
      "prints the columns of built-in kinds",
      async (bench) => {
        await bench.must("POST", `${bench.group("apps/v1")}/deployments`, deployment("one", 2));
        const { columns, rows } = await table(bench, `${bench.group("apps/v1")}/deployments`);
        const shown = columns.filter(({ priority }) => priority === 0).map(({ name }) => name);
        return [shown, rows[0]?.cells.slice(0, 4)];
      },
      [
        ["Name", "Ready", "Up-to-date", "Available", "Age"],
        ["one", "0/2", 0, 0],
      ],
    ),
    behaviour(
      "returns whole objects, or none, in a table where asked",
      async (bench) => {
        await bench.must("POST", bench.gadgets, gadget("one"));
        const whole = await table(bench, `${bench.gadgets}?includeObject=Object`);
        const none = await table(bench, `${bench.gadgets}?includeObject=None`);
        return [whole.rows[0]?.object.kind, none.rows[0]?.object ?? "none"];
      },
      ["Gadget", "none"],
    ),
    behaviour(
      "stores an Event of one group so that the other serves it",
      async ({ must, core, group, name }) => {
        const involvedObject = { kind: "ConfigMap", name: "one", namespace: name };
        const event = {
          metadata: { name: "one" },
          involvedObject,
          reason: "Seen",
          message: "text",
          type: "Normal",
        };
        await must("POST", `${core}/events`, event);
        const other: Event = await must("GET", `${group("events.k8s.io/v1")}/events/one`);
        return [other.reason, other.note];
      },
      ["Seen", "text"],
    ),
    behaviour(
      "stores an Event with its series and reporter",
      async ({ must, core, group, name }) => {
        const event = {
          metadata: { name: "one" },
          eventTime: "2026-01-02T03:04:05.000006Z",
          ...{ action: "Look", reason: "Seen", type: "Normal", note: "text" },
          ...{ reportingController: "example.org/us", reportingInstance: "us-1" },
          regarding: { kind: "ConfigMap", name: "one", namespace: name },
          series: { count: 2, lastObservedTime: "2026-01-02T03:04:06.000000Z" },
        };
        await must("POST", `${group("events.k8s.io/v1")}/events`, event);
        const { message, series, reportingComponent, eventTime } = await must("GET", `${core}/events/one`);
        return [message, series.count, reportingComponent, eventTime];
      },
      ["text", 2, "example.org/us", "2026-01-02T03:04:05.000006Z"],
    ),
    behaviour(
      "selects Events by the object that they are about",
      async ({ must, core, name }) => {
        for (const about of ["one", "two"]) {
          const involvedObject = { kind: "ConfigMap", name: about, namespace: name };
          await must("POST", `${core}/events`, { metadata: { name: about }, involvedObject, reason: "Seen" });
        }
        const { items } = await must("GET", `${core}/events?fieldSelector=involvedObject.name%3Dtwo`);
        return items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
      },
      ["two"],
    ),
    behaviour(
      "refuses an Event about an object of another namespace",
      async ({ send, core }) => {
        const involvedObject = { kind: "ConfigMap", name: "one", namespace: "elsewhere" };
        return outcome(await send("POST", `${core}/events`, { metadata: { name: "one" }, involvedObject }));
      },
      "422 Invalid [involvedObject.namespace FieldValueInvalid]",
    ),
    behaviour(
      "shows the annotation of a kubectl apply as it was written",
      async ({ must, core }) => {
        const annotations = { "kubectl.kubernetes.io/last-applied-configuration": '{"a":1}\n' };
        return (await must("POST", `${core}/configmaps`, configMap("one", {}, { annotations }))).metadata
          .annotations;
      },
      { "kubectl.kubernetes.io/last-applied-configuration": '{"a":1}\n' },
    ),
  ],
};

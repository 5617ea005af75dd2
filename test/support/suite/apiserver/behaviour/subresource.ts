import { configMap, deployment, pod } from "../../../builder/api-object.ts";
import { APPLY, MERGE } from "../../../server/api-request.ts";
import { type Area, type Bench, behaviour, gadget, outcome } from "../behaviour.ts";

async function deploy({ must, group }: Bench): Promise<string> {
  const path = `${group("apps/v1")}/deployments`;
  await must("POST", path, deployment("one", 2));
  return `${path}/one`;
}

const scaleOf = (body: { kind: string; spec: { replicas: number } }) => [body.kind, body.spec.replicas];

/** A subresource of a Pod that needs a kubelet or a scheduler. */
function ofPod(subresource: string, body?: object) {
  return async ({ must, send, core }: Bench) => {
    await must("POST", `${core}/pods`, pod("one"));
    return send("POST", `${core}/pods/one/${subresource}`, body);
  };
}

const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "one" } };
const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: "one" }, target: { name: "node" } };

export const subresourceArea: Area = {
  title: "Status, scale and generations",
  behaviours: [
    behaviour(
      "drops the status of a new object, and of an update of it",
      async ({ must, gadgets }) => {
        const first = await must("POST", gadgets, { ...gadget("one"), status: { replicas: 1 } });
        const change = { spec: { size: 2 }, status: { replicas: 2 } };
        const second = await must("PATCH", `${gadgets}/one`, change, { contentType: MERGE });
        return [first.status ?? "none", second.status ?? "none", second.spec.size];
      },
      ["none", "none", 2],
    ),
    behaviour(
      "writes through the status subresource the status alone",
      async ({ must, gadgets }) => {
        const first = await must("POST", gadgets, gadget("one"));
        const body = { ...first, spec: { size: 9 }, status: { replicas: 3 } };
        body.metadata = { ...first.metadata, labels: { a: "b" } };
        const { spec, status, metadata } = await must("PUT", `${gadgets}/one/status`, body);
        return [spec.size, status, metadata.labels ?? "none"];
      },
      [1, { replicas: 3 }, "none"],
    ),
    behaviour(
      "counts a generation for a change of the spec, and for none of status, labels or annotations",
      async ({ must, gadgets }) => {
        const path = `${gadgets}/one`;
        const seen = [(await must("POST", gadgets, gadget("one"))).metadata.generation];
        const patch = async (url: string, change: object) =>
          seen.push((await must("PATCH", url, change, { contentType: MERGE })).metadata.generation);
        await patch(path, { spec: { size: 2 } });
        await patch(`${path}/status`, { status: { replicas: 2 } });
        await patch(path, { metadata: { labels: { a: "b" }, annotations: { a: "b" } } });
        await patch(path, { spec: { size: 2 } });
        return seen;
      },
      [1, 2, 2, 2, 2],
    ),
    behaviour(
      "counts a generation of a Deployment for a change of its spec only",
      async (bench) => {
        const path = await deploy(bench);
        const patch = async (url: string, change: object) =>
          (await bench.must("PATCH", url, change, { contentType: MERGE })).metadata.generation;
        return [
          await patch(path, { metadata: { labels: { a: "b" } } }),
          await patch(`${path}/status`, { status: { replicas: 2 } }),
          await patch(path, { spec: { replicas: 3 } }),
        ];
      },
      [1, 1, 2],
    ),
    behaviour(
      "refuses a write of the status of an older version",
      async ({ must, send, gadgets }) => {
        const first = await must("POST", gadgets, gadget("one"));
        await must("PATCH", `${gadgets}/one`, { spec: { size: 2 } }, { contentType: MERGE });
        return outcome(await send("PUT", `${gadgets}/one/status`, { ...first, status: { replicas: 1 } }));
      },
      "409 Conflict",
    ),
    behaviour(
      "validates the status that its subresource writes",
      async ({ must, send, gadgets }) => {
        await must("POST", gadgets, gadget("one"));
        const change = { status: { conditions: [{ status: "True" }] } };
        return outcome(await send("PATCH", `${gadgets}/one/status`, change, { contentType: MERGE }));
      },
      "422 Invalid [<nil> FieldValueInvalid, status.conditions[0].type FieldValueRequired]",
    ),
    behaviour(
      "has no status subresource of a kind without a status",
      async ({ must, send, core }) => {
        await must("POST", `${core}/configmaps`, configMap("one"));
        return (await send("GET", `${core}/configmaps/one/status`)).status;
      },
      404,
    ),
    behaviour(
      "reads and replaces the scale of a Deployment",
      async (bench) => {
        const path = await deploy(bench);
        const scale = await bench.must("GET", `${path}/scale`);
        const body = { ...scale, spec: { replicas: 5 } };
        const after = await bench.must("PUT", `${path}/scale`, body);
        const { spec } = await bench.must("GET", path);
        return [...scaleOf(scale), scale.status.selector, ...scaleOf(after), spec.replicas];
      },
      ["Scale", 2, "app=one", "Scale", 5, 5],
    ),
    behaviour(
      "patches the scale of a custom object, along the paths of its definition",
      async ({ must, gadgets }) => {
        await must("POST", gadgets, gadget("one", { replicas: 1 }));
        const status = { status: { replicas: 4, selector: "a=b" } };
        await must("PATCH", `${gadgets}/one/status`, status, { contentType: MERGE });
        const change = { spec: { replicas: 3 } };
        const scale = await must("PATCH", `${gadgets}/one/scale`, change, { contentType: MERGE });
        const { spec, metadata } = await must("GET", `${gadgets}/one`);
        return [...scaleOf(scale), scale.status, spec.replicas, metadata.generation];
      },
      ["Scale", 3, { replicas: 4, selector: "a=b" }, 3, 2],
    ),
    behaviour(
      "refuses a scale of another version",
      async (bench) => {
        const path = await deploy(bench);
        const scale = await bench.must("GET", `${path}/scale`);
        await bench.must("PATCH", path, { spec: { replicas: 4 } }, { contentType: MERGE });
        return outcome(await bench.send("PUT", `${path}/scale`, { ...scale, spec: { replicas: 5 } }));
      },
      "409 Conflict",
    ),
    behaviour(
      "applies the scale of a Deployment server-side",
      async (bench) => {
        const path = await deploy(bench);
        const body = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "one" } };
        const query = "fieldManager=us&force=true";
        const config = { ...body, spec: { replicas: 7 } };
        const scale = await bench.must("PATCH", `${path}/scale?${query}`, config, { contentType: APPLY });
        return scaleOf(scale);
      },
      ["Scale", 7],
      {
        code: 400,
        message: "server-side apply of a Scale is not served here: patch it another way",
        request: async (bench) => {
          const path = `${await deploy(bench)}/scale?fieldManager=us`;
          return bench.send("PATCH", path, { spec: { replicas: 7 } }, { contentType: APPLY });
        },
      },
    ),
    behaviour(
      "answers 404 for a subresource that is not defined",
      async (bench) => (await bench.send("GET", `${await deploy(bench)}/colour`)).status,
      404,
    ),
    behaviour("evicts a Pod", async (bench) => outcome(await ofPod("eviction", eviction)(bench)), "201", {
      code: 501,
      message: "this API server does not serve pods/eviction",
      request: ofPod("eviction", eviction),
    }),
    behaviour(
      "binds a Pod to a node",
      async (bench) => outcome(await ofPod("binding", binding)(bench)),
      "201",
      {
        code: 501,
        message: "this API server does not serve pods/binding",
        request: ofPod("binding", binding),
      },
    ),
    behaviour(
      "refuses to connect to a Pod that runs nowhere",
      async (bench) => [
        outcome(await ofPod("exec?command=ls&stdout=true")(bench)),
        outcome(await bench.send("POST", `${bench.core}/pods/one/portforward`)),
        outcome(await bench.send("POST", `${bench.core}/pods/one/attach?stdout=true`)),
      ],
      ["400 BadRequest", "400 BadRequest", "400 BadRequest"],
      {
        code: 501,
        message: "this API server does not serve pods/exec",
        request: ofPod("exec?command=ls&stdout=true"),
      },
    ),
  ],
};

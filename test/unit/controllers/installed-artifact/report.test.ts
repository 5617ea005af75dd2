import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import type { Finding } from "../../../../src/controllers/installed-artifact/desired-report.ts";
import { createReports } from "../../../../src/controllers/installed-artifact/report.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import { KubeError } from "../../../../src/kube/error.ts";

const FINDING: Finding = {
  object: { apiVersion: "v1", kind: "Pod", metadata: { name: "stray", namespace: "team" } },
  ...{ rule: "image-signature", category: "trust", message: "it is not signed" },
};
const NAME = "metadata.name=catalyst-admission";

/** An API server with a report in each of these namespaces; undefined: it does not serve the kind. */
function start(namespaces: string[] | undefined) {
  const calls: string[] = [];
  const report = (namespace: string): KubernetesObject => ({
    apiVersion: "wgpolicyk8s.io/v1alpha2",
    kind: "PolicyReport",
    metadata: { name: "catalyst-admission", namespace, uid: `uid-${namespace}` },
  });
  const client = {
    list: async (_resource: unknown, options: { namespace?: string; fieldSelector: string }) => {
      calls.push(`list ${options.namespace ?? "all"} ${options.fieldSelector}`);
      if (namespaces === undefined) throw new KubeError("no", { status: 404, reason: "NotFound" });
      const { namespace } = options;
      const items = namespaces.filter((each) => namespace === undefined || each === namespace).map(report);
      return { items, resourceVersion: "1" };
    },
    delete: async (_resource: unknown, { namespace }: { namespace: string }, { uid }: { uid: string }) => {
      calls.push(`delete ${namespace} ${uid}`);
      namespaces?.splice(namespaces.indexOf(namespace), 1);
      return true;
    },
    apply: async (_resource: unknown, object: KubernetesObject) => {
      calls.push(`apply ${object.metadata.namespace}`);
      namespaces?.push(object.metadata.namespace ?? "");
      return object;
    },
  } as unknown as KubeClient;
  return { calls, reports: createReports({ client, fieldManager: "test", now: () => new Date(0) }) };
}

describe("the PolicyReports of namespaces that are not judged", () => {
  it("are listed once for all namespaces, and only one that is there is deleted", async () => {
    const { calls, reports } = start(["judged-before"]);
    await Promise.all(["sovereign-a", "sovereign-b"].map(reports.clear));
    await reports.clear("sovereign-c");
    expect(calls.splice(0)).toEqual([`list all ${NAME}`]);
    await reports.clear("judged-before");
    await reports.clear("judged-before");
    expect(calls).toEqual([`list judged-before ${NAME}`, "delete judged-before uid-judged-before"]);
  });

  it("are deleted when this process wrote them", async () => {
    const { calls, reports } = start([]);
    await reports.clear("team");
    await reports.write("team", [FINDING]);
    expect(calls.splice(0)).toEqual([`list all ${NAME}`, `list team ${NAME}`, "apply team"]);
    await reports.clear("team");
    expect(calls.splice(0)).toEqual([`list team ${NAME}`, "delete team uid-team"]);
    await reports.write("team", [FINDING]);
    await reports.write("team", []);
    await reports.clear("team");
    expect(calls.slice(-2)).toEqual([`list team ${NAME}`, "delete team uid-team"]);
  });

  it("are deleted when this process wrote them while it listed the others", async () => {
    const { calls, reports } = start([]);
    await Promise.all([reports.clear("sovereign-a"), reports.write("team", [FINDING])]);
    expect(calls.splice(0)).toEqual([`list all ${NAME}`, `list team ${NAME}`, "apply team"]);
    await reports.clear("team");
    expect(calls).toEqual([`list team ${NAME}`, "delete team uid-team"]);
  });

  it("need nothing where the kind is not served", async () => {
    const { calls, reports } = start(undefined);
    await reports.clear("team");
    await reports.write("team", [FINDING]);
    expect(calls).toEqual([`list all ${NAME}`, `list team ${NAME}`]);
  });
});

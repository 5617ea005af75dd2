import { describe, expect, it } from "vitest";
import { selectorLabels } from "../../src/controllers/sovereign/desired-metadata.ts";
import { render } from "./helm-chart.ts";

describe("the chart's objects for its neighbours", () => {
  it("lets billing Pods and helm test through a NetworkPolicy that limits the peers", async () => {
    const peer = "[0].podSelector.matchLabels.app=ingress";
    const objects = await render(
      ...["--set", "networkPolicy.enabled=true,test.sovereign=zero"],
      ...["--set", `networkPolicy.voucherApiFrom${peer},networkPolicy.metricsFrom${peer}`],
    );
    const { spec } = objects.find(({ kind }) => kind === "NetworkPolicy") as unknown as {
      spec: { ingress: { ports: [{ port: string }]; from?: object[] }[] };
    };
    const peersOf = (name: string) => spec.ingress.find(({ ports: [{ port }] }) => port === name)?.from;
    const listed = { podSelector: { matchLabels: { app: "ingress" } } };
    expect(peersOf("webhook")).toBeUndefined();
    expect(peersOf("api")).toEqual([
      listed,
      { namespaceSelector: {}, podSelector: { matchLabels: selectorLabels("billing") } },
    ]);
    const labels = objects.find(({ kind }) => kind === "Pod")?.metadata.labels ?? {};
    const name = "app.kubernetes.io/name";
    expect(peersOf("http")).toEqual([listed, { podSelector: { matchLabels: { [name]: labels[name] } } }]);
    // The operator's Services select the Pods of this name.
    expect(labels[name]).not.toBe("catalyst-operator");
  });
});

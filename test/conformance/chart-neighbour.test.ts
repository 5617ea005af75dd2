import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/api/object.ts";
import { selectorLabels } from "../../src/controllers/sovereign/desired-metadata.ts";
import { desiredWorkload } from "../../src/controllers/sovereign/desired-workload.ts";
import { sovereign } from "../support/builder/catalyst-object.ts";
import { render } from "./helm-chart.ts";

interface Monitor {
  spec: {
    namespaceSelector?: object;
    selector: { matchLabels: Record<string, string> };
    endpoints: { port: string }[];
  };
}
interface Service extends KubernetesObject {
  spec: { ports: { name: string }[] };
}

const SERVICE_NAME = "catalyst-operator-webhook.catalyst-system.svc";

describe("the chart's objects for other software", () => {
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
    // The operator's Services select Pods by this name, so the test's Pod must have another.
    expect(labels[name]).not.toBe("catalyst-operator");
  });

  it("places the Pod of helm test where the operator may run", async () => {
    const nodes = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]";
    const apart = "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]";
    const objects = await render(
      ...["--set", "nodeSelector.disk=ssd,tolerations[0].operator=Exists"],
      ...["--set", `${nodes}.matchExpressions[0].key=zone,${nodes}.matchExpressions[0].operator=Exists`],
      ...["--set", `${apart}.topologyKey=zone`],
    );
    const { spec } = objects.find(({ kind }) => kind === "Pod") as unknown as {
      spec: { nodeSelector: object; tolerations: object[]; affinity: object };
    };
    const terms = [{ matchExpressions: [{ key: "zone", operator: "Exists" }] }];
    expect(spec.nodeSelector).toEqual({ disk: "ssd" });
    expect(spec.tolerations).toEqual([{ operator: "Exists" }]);
    expect(spec.affinity).toEqual({
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
    });
  });

  it("lets Prometheus read the metrics of the billing Pods, which the alerts ask for", async () => {
    const monitors = (
      await render(
        ...["--set", "metrics.serviceMonitor.enabled=true"],
        ...["--api-versions", "monitoring.coreos.com/v1"],
      )
    ).filter(({ kind }) => kind === "ServiceMonitor") as unknown as Monitor[];
    const service = desiredWorkload(sovereign("omantel"), "image", undefined).find(
      ({ kind }) => kind === "Service",
    ) as unknown as Service;
    const [ours] = monitors.filter(({ spec }) => "namespaceSelector" in spec);
    expect(ours?.spec.namespaceSelector).toEqual({ any: true });
    expect(service.metadata.labels).toMatchObject(ours?.spec.selector.matchLabels ?? {});
    expect(service.spec.ports.map(({ name }) => name)).toEqual(ours?.spec.endpoints.map(({ port }) => port));
  });

  it.each([
    ["a name", "hook.example", { dnsNames: ["hook.example", SERVICE_NAME] }],
    ["an IPv4 address", "192.0.2.7", { dnsNames: [SERVICE_NAME], ipAddresses: ["192.0.2.7"] }],
    ["an IPv6 address", "[2001:db8::1]", { dnsNames: [SERVICE_NAME], ipAddresses: ["2001:db8::1"] }],
  ])("asks cert-manager for the host of a webhook's URL that has %s", async (_, host, names) => {
    const certificate = (
      await render(
        ...["--set", "webhook.certificate.mode=cert-manager", "--set", `webhook.url=https://${host}:9443`],
        ...["--api-versions", "cert-manager.io/v1"],
      )
    ).find(({ kind, metadata }) => kind === "Certificate" && metadata.name === "catalyst-operator-webhook");
    const { dnsNames, ipAddresses } = (certificate as unknown as { spec: Record<string, unknown> }).spec;
    expect({ dnsNames, ...(ipAddresses === undefined ? {} : { ipAddresses }) }).toEqual(names);
  });
});

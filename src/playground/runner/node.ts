import type { KubeClient } from "../../kube/client.ts";
import { NODES } from "../../kube/resource.ts";
import { rfc3339 } from "./workload.ts";

/** The one node of the playground: this machine. */
export const NODE_NAME = "playground";

/** Registers this machine as a Ready Node. */
export async function registerNode(client: KubeClient, now: () => Date): Promise<void> {
  const at = rfc3339(now());
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: NODE_NAME } };
  await client.apply(NODES, node, { fieldManager: "kubelet" });
  const ready = {
    type: "Ready",
    status: "True",
    reason: "KubeletReady",
    message: "the playground runs Pods as processes of this machine",
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  };
  await client.mergePatch(
    NODES,
    node.metadata,
    { status: { conditions: [ready], addresses: [{ type: "InternalIP", address: "127.0.0.1" }] } },
    "status",
  );
}

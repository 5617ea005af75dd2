import type { ApiConnection } from "./api-connection.ts";
import { type ClusterReader, createClusterReader } from "./cluster-reader.ts";
import { type ClusterWaits, createClusterWaits } from "./cluster-wait.ts";
import { createWriter, type Writer } from "./cluster-writer.ts";

/** An API server as the story uses it. The administrator reads and waits; each user writes with their own rights. */
export interface Cluster extends ClusterReader, ClusterWaits {
  asAdmin(): Writer;
  as(user: string): Writer;
}

export function createCluster(connection: ApiConnection, signal: AbortSignal): Cluster {
  const reader = createClusterReader(connection);
  return {
    ...reader,
    ...createClusterWaits(reader, signal),
    asAdmin: () => createWriter(connection),
    as: (user) => createWriter(connection, user),
  };
}

/** The BillingRelease that a Sovereign runs. */
export async function releaseOf(cluster: ClusterReader, sovereign: string): Promise<string> {
  const { spec } = await cluster.mustGet<{ spec: { billing: { release: string } } }>({
    kind: "Sovereign",
    name: sovereign,
  });
  return spec.billing.release;
}

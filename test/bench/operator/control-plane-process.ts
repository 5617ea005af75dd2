import { mkdirSync } from "node:fs";
import { url as inspectorUrl, open } from "node:inspector";
import { createLogger } from "../../../src/platform/log.ts";
import { createApiServer } from "../../../src/playground/apiserver/index.ts";
import { AUDITED_USER } from "../../../src/playground/control-plane/control-plane.ts";

// The API server, in a process of its own, so that it can be killed. It counts the operator's requests, and ends with its
// parent. Arguments: its state directory and its port.

/** The operator's requests since the process started. */
export interface RequestCounts {
  /** All requests except watches. */
  requests: number;
  /** Requests that can change an object. Renewals of the Lease are left out, because they do not depend on the fleet. */
  writes: number;
  leases: number;
  /** Requests by verb and resource. They help to explain a missed bar. */
  byResource: Record<string, number>;
}

/** What the process is asked for: its counts, or the address of its profiler, which is opened then. */
export type ControlPlaneRequest = { kind: "counts" } | { kind: "inspect" };

export interface InspectAnswer {
  inspectorUrl: string;
}

export interface ControlPlaneAnswer extends RequestCounts {
  adminKubeconfig: string;
  caPem: string;
  url: string;
}

const READS = new Set(["get", "list", "watch"]);

const [stateDir = "", port = "0"] = process.argv.slice(2);
const counts: RequestCounts = { requests: 0, writes: 0, leases: 0, byResource: {} };
mkdirSync(stateDir, { recursive: true });
const server = await createApiServer({
  stateDir,
  port: Number(port),
  logger: createLogger("bench-control-plane", "fatal"),
  audit({ user, verb, objectRef }) {
    if (user.username !== AUDITED_USER || objectRef === undefined || verb === "watch") return;
    if (objectRef.resource === "leases") {
      counts.leases += 1;
      return;
    }
    counts.requests += 1;
    if (!READS.has(verb)) counts.writes += 1;
    const kind = `${verb} ${[objectRef.resource, objectRef.subresource].filter(Boolean).join("/")}`;
    counts.byResource[kind] = (counts.byResource[kind] ?? 0) + 1;
  },
});

process.on("message", ({ kind }: ControlPlaneRequest) => {
  if (kind === "inspect") {
    if (inspectorUrl() === undefined) open(0, "127.0.0.1");
    process.send?.({ inspectorUrl: inspectorUrl() ?? "" } satisfies InspectAnswer);
    return;
  }
  const { adminKubeconfig, caPem, url } = server;
  process.send?.({ ...counts, adminKubeconfig, caPem, url } satisfies ControlPlaneAnswer);
});
process.on("disconnect", () => process.exit());
process.send?.({ port: Number(new URL(server.url).port) });

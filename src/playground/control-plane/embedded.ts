import { createApiServer } from "../apiserver/index.ts";
import { createPodLog } from "../process/pod-log.ts";
import type { ControlPlane, ControlPlaneOptions } from "./control-plane.ts";

/** Starts this repository's API server in this process. */
export async function startEmbeddedControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { state, port, logger, now, signal } = options;
  return createApiServer({
    stateDir: state.file("apiserver"),
    host: "127.0.0.1",
    port,
    podLog: createPodLog(state.file("logs")),
    logger,
    now,
    signal,
  });
}

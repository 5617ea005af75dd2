import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { connect } from "node:net";
import { createApiServer } from "../apiserver/index.ts";
import { createPodLog } from "../process/pod-log.ts";
import { AUDITED_USER, type ControlPlane, type ControlPlaneOptions } from "./control-plane.ts";

/** Starts this repository's API server in this process. */
export async function startEmbeddedControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { state, port, logger, now, signal } = options;
  const auditLog = openAuditLog(options);
  const closeLog = () => new Promise<void>((resolve) => auditLog.end(resolve));
  try {
    const server = await createApiServer({
      stateDir: state.file("apiserver"),
      host: "127.0.0.1",
      port,
      podLog: createPodLog(state.file("logs")),
      connectToPod: ({ address, port }) => connect({ host: address, port }),
      audit(event) {
        if (event.user.username === AUDITED_USER) auditLog.write(`${JSON.stringify(event)}\n`);
      },
      logger,
      now,
      signal,
    });
    return {
      ...server,
      async close() {
        await server.close();
        await closeLog();
      },
    };
  } catch (error) {
    await closeLog();
    throw error;
  }
}

function openAuditLog({ state, logger }: ControlPlaneOptions): WriteStream {
  mkdirSync(state.file("logs"), { recursive: true, mode: 0o700 });
  const auditLog = createWriteStream(state.file("logs", "audit.log"), { flags: "a", mode: 0o600 });
  auditLog.on("error", (error) => logger.warn({ err: error }, "the audit log cannot be written"));
  return auditLog;
}

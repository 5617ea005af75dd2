import { monitorEventLoopDelay } from "node:perf_hooks";
import { answerMessages } from "../helper-answer.ts";
import { openHttpConnection, requestOf } from "../http-connection.ts";
import { drive } from "../load.ts";
import { HOT_CODE, MISSING_CODE, voucherOf } from "./code.ts";
import { type GeneratedLoad, type LoadRequest, MAX_PER_SECOND } from "./load-process-message.ts";
import type { Scenario } from "./scenario.ts";
import { nextCustomer, tokenOf } from "./token.ts";

// The clients are a process of their own, so that they do not wait for the event loop that reads figures and memory. Requests
// are built before the clock starts.
const RESOLUTION_MS = 1;

async function run({ scenario, port, maxMs }: LoadRequest): Promise<GeneratedLoad> {
  const requests = requestsOf(scenario, maxMs);
  const expectedStatus = scenario.request === "preview-miss" ? 404 : 200;
  const connections = Array.from({ length: scenario.clients }, () => openHttpConnection(port));
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  try {
    delay.enable();
    const result = await drive({
      clients: scenario.clients,
      maxMs,
      maxCount: requests.length,
      perSecond: scenario.perSecond,
      async send(index, client) {
        const { status, body } = (await connections[client]?.send(requests[index] as Buffer)) ?? {};
        if (status !== expectedStatus) throw new Error(`the server answered ${status}: ${body}`);
      },
    });
    delay.disable();
    const lateMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    return { ...result, generator: { p99Ms: lateMs(delay.percentile(99)), maxMs: lateMs(delay.max) } };
  } finally {
    for (const connection of connections) connection.close();
  }
}

function requestsOf(scenario: Scenario, maxMs: number): Buffer[] {
  if (scenario.request !== "checkout") {
    const code = scenario.request === "preview-hit" ? HOT_CODE : MISSING_CODE;
    const request = requestOf("POST", "/billing/vouchers/redeem-preview", { body: { code } });
    return Array<Buffer>(Math.ceil((maxMs / 1_000) * MAX_PER_SECOND.preview)).fill(request);
  }
  return Array.from({ length: Math.ceil((maxMs / 1_000) * MAX_PER_SECOND.checkout) }, (_, index) => {
    const { userId, tenantId } = nextCustomer();
    const code = voucherOf(scenario, index);
    return requestOf("POST", "/billing/checkout", {
      token: tokenOf(userId),
      body: { plan_id: "small", apps: ["wordpress"], addons: [], tenant_id: tenantId, promo_code: code },
    });
  });
}

answerMessages(run);

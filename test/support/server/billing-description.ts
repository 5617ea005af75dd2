import { createBillingService } from "../../../src/billing/service.ts";
import { readBillingSettings } from "../../../src/billing/settings.ts";
import { createEnvReader } from "../../../src/platform/env.ts";
import { startHttpServer } from "../../../src/platform/http-server.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";

const ENV = {
  DATABASE_URL: "postgres://billing@127.0.0.1:1/none",
  SOVEREIGN_FQDN: "omantel.omani.works",
  JWT_SECRET: "a-secret-of-one-sovereign-0123456789",
};

/** Reads from a billing service without a database: its description and its page of errors need none. */
export async function readFromBilling<T>(read: (origin: string) => Promise<T>): Promise<T> {
  const service = createBillingService({
    settings: readBillingSettings(createEnvReader(ENV)),
    now: () => new Date(),
    logger: createLogger("test", "silent"),
    registry: new Registry(),
  });
  const server = await startHttpServer({ handler: service.app, host: "127.0.0.1", port: 0 });
  try {
    return await read(server.origin);
  } finally {
    await server.close(0);
    await service.close();
  }
}

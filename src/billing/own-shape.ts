import { createEnvReader } from "../platform/env.ts";
import { createLogger } from "../platform/log.ts";
import { Registry } from "../platform/metrics.ts";
import { fingerprintOf } from "./db/fingerprint.ts";
import { readSchemaFile } from "./db/schema-file.ts";
import { createBillingService } from "./service.ts";
import { readBillingSettings } from "./settings.ts";
import { apiFingerprintOf } from "./shape.ts";

/**
 * The fingerprints of this program's schema and API. The service only describes its API here and serves nothing, so its
 * settings do not matter.
 */
export async function ownShape(): Promise<{ schemaFingerprint: string; apiFingerprint: string }> {
  const settings = readBillingSettings(
    createEnvReader({
      DATABASE_URL: "postgres://127.0.0.1/none",
      SOVEREIGN_FQDN: "sovereign.invalid",
      JWT_SECRET: "0".repeat(32),
    }),
  );
  const logger = createLogger("own-shape", "silent");
  const service = createBillingService({ settings, now: () => new Date(), logger, registry: new Registry() });
  try {
    return {
      schemaFingerprint: fingerprintOf(await readSchemaFile()),
      apiFingerprint: apiFingerprintOf(JSON.parse(service.apiDocument)),
    };
  } finally {
    await service.close();
  }
}

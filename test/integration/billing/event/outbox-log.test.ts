import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createOutboxRelay, ORGANIZATION_SINK } from "../../../../src/billing/event/outbox.ts";
import { billing, placeOrder, useBilling } from "../../../support/builder/billing.ts";
import { eventually } from "../../../support/wait.ts";

useBilling();

describe("an event that its sink refuses", () => {
  it.each(["PLAIN-CODE-77", 'QUO"TE\\CODE', "RAMADAN 2026", "A/B%C+D", "TAB\tCODE", "ÑANDÚ-ΔΕΛΤΑ"])(
    "writes no voucher code to log or outbox when the sink quotes %j",
    async (code) => {
      await billing.database.pool.query("TRUNCATE outbox");
      await billing.database.pool.query(
        "INSERT INTO promo_codes (code, credit_omr, description, adopted) VALUES ($1, 25, '', true)",
        [code],
      );
      const user = `quoted-${code.length}`;
      const order = await placeOrder(billing, user, { promo_code: code });
      expect(order.status).toBe(200);

      const json = JSON.stringify(code).slice(1, -1);
      const quoted = [code, json, JSON.stringify(json).slice(1, -1), encodeURIComponent(code)];
      const lines: string[] = [];
      const stop = new AbortController();
      const relay = createOutboxRelay({
        pool: billing.database.pool,
        sink: ORGANIZATION_SINK,
        deliver: async () => {
          throw new Error(
            `is invalid: ${quoted.map((one) => `spec.voucher: Invalid value: "${one}"`).join(", ")}: no`,
          );
        },
        logger: pino({}, { write: (line) => lines.push(line) }),
        signal: stop.signal,
        pollMs: 10,
      }).run();
      const lastError = async () =>
        (await billing.database.pool.query("SELECT last_error FROM outbox")).rows[0].last_error as string;
      await eventually(async () => expect(await lastError()).toMatch(/^is invalid: .*: no$/));
      stop.abort();
      await relay;
      expect(await lastError()).not.toMatch(/CODE|RAMADAN|B%C|B%25C|ΔΕΛΤΑ/);
      for (const one of quoted) {
        expect(await lastError()).not.toContain(one);
        expect(lines.join("")).not.toContain(one);
      }
    },
  );
});

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  startTestControlPlane,
  type TestControlPlane,
  type TestControlPlaneKind,
} from "../../server/kube-apiserver.ts";
import { startWebhookServer, type WebhookServer } from "../../server/webhook-server.ts";
import type { Behaviour, Bench } from "./behaviour.ts";
import { type Connection, connect } from "./connection.ts";
import { describeDefinitions } from "./definition.ts";
import { define, gadgetDefinition } from "./gadget.ts";
import { AREAS } from "./registry.ts";
import type { Tally } from "./tally.ts";
import { webhookAnswer } from "./webhook-answer.ts";

const ROOT = join(import.meta.dirname, "../../../..");

/** Each behaviour is observed on a control plane of this kind, and compared with what is checked in. */
export function describeApiServer(kind: TestControlPlaneKind, tally: Tally): void {
  describe(`the ${kind} API server`, () => {
    let plane: TestControlPlane;
    let connection: Connection;
    let webhook: WebhookServer;
    let count = 0;

    beforeAll(async () => {
      plane = await startTestControlPlane(kind);
      connection = connect(readFileSync(plane.kubeconfigPath, "utf8"));
      webhook = await startWebhookServer(webhookAnswer);
      await define({ ...connection, name: "default" }, gadgetDefinition);
    });
    afterAll(async () => {
      await connection?.close();
      await webhook?.close();
      await plane?.close();
    });

    async function bench(): Promise<Bench> {
      count += 1;
      const name = `case-${count}`;
      await connection.must("POST", "/api/v1/namespaces", { metadata: { name } });
      // Pods need it. Where a controller manager or the embedded API server creates it too, the first one wins.
      const account = { metadata: { name: "default" } };
      await connection.send("POST", `/api/v1/namespaces/${name}/serviceaccounts`, account);
      const group = (groupVersion: string) => `/apis/${groupVersion}/namespaces/${name}`;
      return {
        ...connection,
        ...{ name, group, webhook, compact: plane.compact },
        core: `/api/v1/namespaces/${name}`,
        gadgets: `${group("conformance.example.org/v1")}/gadgets`,
      };
    }

    for (const { title, behaviours } of AREAS)
      describe(title, () => {
        for (const behaviour of behaviours) testBehaviour(behaviour, () => tally.count(title, kind));
      });

    describeDefinitions(
      () => connection,
      () => plane.kubeconfigPath,
    );

    function testBehaviour({ sentence, observe, expected, difference }: Behaviour, onHeld: () => void): void {
      if (kind !== "embedded" || difference === undefined)
        it(sentence, async () => {
          expect(await observe(await bench())).toEqual(expected);
          onHeld();
        });
      else if ("tested" in difference)
        it(`differs where another API server ${sentence}: ${difference.tested} tests that`, () => {
          expect(existsSync(join(ROOT, difference.tested))).toBe(true);
        });
      else
        it(`refuses, with a reason, where another API server ${sentence}`, async () => {
          const { status, body } = await difference.request(await bench());
          const message = String(body.message).replaceAll(/\b\d+$/g, "<number>");
          expect({ status, kind: body.kind, code: body.code, message }).toEqual({
            ...{ status: difference.code, code: difference.code, kind: "Status" },
            message: difference.message,
          });
        });
    }
  });
}

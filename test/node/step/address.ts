import { isIP } from "node:net";
import pg from "pg";
import { request } from "undici";
import { expect, it } from "vitest";
import { urlHost } from "../../../src/platform/url-host.ts";
import { FAMILIES } from "../support/address.ts";
import type { NodeBench } from "../support/world-hook.ts";
import type { Pod } from "./leader.ts";

const familyOf = (address: string) => `IPv${isIP(address)}`;

/** The programs that listen in Pods, each with its Services and the port of /healthz. */
const PROGRAMS = [
  ["catalyst-system", "catalyst-operator", ["catalyst-operator", "catalyst-operator-webhook"], 8080],
  ["sovereign-catalyst-zero", "billing", ["billing"], 8085],
] as const;

/** Tests which addresses the quickstart's installation uses. */
export function testAddresses(bench: NodeBench): void {
  it("gives its Services addresses of the preferred family, and answers at each address of its Pods", async () => {
    const { kubectl } = bench.world;
    for (const [namespace, program, services, port] of PROGRAMS) {
      const read = async (...args: string[]) =>
        JSON.parse(await kubectl("--namespace", namespace, "get", ...args, "--output", "json"));
      for (const service of services) {
        const { spec } = await read("service", service);
        expect([service, familyOf(spec.clusterIP)]).toEqual([service, FAMILIES[0]]);
      }
      const { items } = await read("pods", "--selector", `app.kubernetes.io/name=${program}`);
      expect(items.length).toBeGreaterThan(0);
      for (const { status } of items as Pod[]) {
        const addresses = status.podIPs.map(({ ip }) => ip);
        expect(addresses.map(familyOf)).toEqual(FAMILIES);
        for (const address of addresses) {
          const { statusCode, body } = await request(`http://${urlHost(address)}:${port}/healthz`);
          await body.dump();
          expect([address, statusCode]).toEqual([address, 200]);
        }
      }
    }
  });

  it("connects to the database from addresses of that family", async () => {
    const client = new pg.Client({ connectionString: `${bench.world.database.superuserUrl}/postgres` });
    await client.connect();
    const { rows } = await client.query<{ address: string }>(
      "SELECT DISTINCT host(client_addr) AS address FROM pg_stat_activity WHERE datname = 'billing'",
    );
    await client.end();
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ address }) => familyOf(address))).toEqual(rows.map(() => FAMILIES[0]));
  });
}

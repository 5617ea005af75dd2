import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { NodeBench } from "../support/world-hook.ts";

/** Runs everyday commands with the administrator's kubeconfig. */
export async function expectCommandsWork({ world: { shell } }: NodeBench): Promise<void> {
  const issued = await shell.run(
    "kubectl catalyst vouchers issue --sovereign omantel --credit 5 --max-redemptions 1 --output json",
  );
  const { code } = JSON.parse(issued) as { code: string };
  const listed = await shell.run(`kubectl catalyst vouchers list --sovereign omantel --search ${code}`);
  expect(listed).toMatch(new RegExp(`^${code} +5 .*live`, "m"));
  expect(await shell.run(`kubectl catalyst vouchers revoke ${code} --sovereign omantel`)).toBe(
    `voucher ${code} revoked\n`,
  );
  expect(await shell.run("kubectl catalyst smoke --sovereign omantel")).toMatch(/^ok +revoke/m);
  expect(await shell.run("kubectl catalyst status sovereign omantel")).toContain("omantel");
}

/** Tests the commands of `kubectl catalyst` against real Pods, through the real kubelet. */
export function testCommands(bench: NodeBench): void {
  it("writes a support bundle from real Pods that has none of the cluster's secrets", async () => {
    const { world } = bench;
    const file = join(world.folder, "support.tar.gz");
    await world.shell.run(`kubectl catalyst support-bundle --file ${file}`);
    const contents = execFileSync("tar", ["--extract", "--gzip", "--to-stdout", "--file", file], {
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    for (const part of ["catalyst_", "omantel", "billing"]) expect(contents).toContain(part);
    const { items } = JSON.parse(
      await world.kubectl("get", "secrets", "--all-namespaces", "--output", "json"),
    ) as { items: { metadata: { name: string }; data?: Record<string, string> }[] };
    const values = items.flatMap(({ metadata, data = {} }) =>
      Object.entries(data).flatMap(([key, value]) =>
        [value, ...secretsIn(key, Buffer.from(value, "base64").toString())].map((secret) => ({
          place: `${metadata.name}: ${key}`,
          secret,
        })),
      ),
    );
    expect(values.length).toBeGreaterThan(20);
    expect(values.filter(({ secret }) => contents.includes(secret)).map(({ place }) => place)).toEqual([]);
  }, 60_000);
}

/** The parts of a Secret's value that must not be visible. */
function secretsIn(key: string, text: string): string[] {
  if (text.includes("-----BEGIN CERTIFICATE-----")) return [];
  if (text.startsWith("postgres://")) return [new URL(text).password];
  if (text.includes("-----BEGIN")) return text.split("\n").filter((line) => /^[\w+/=]{40,}$/.test(line));
  if (key === ".dockerconfigjson") {
    const { auths } = JSON.parse(text) as { auths: Record<string, { password: string; auth: string }> };
    return Object.values(auths).flatMap(({ password, auth }) => [password, auth]);
  }
  return [text];
}

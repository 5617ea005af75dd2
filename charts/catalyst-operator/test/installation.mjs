// Run by `helm test`: waits until the operator is ready, and then takes the four steps against a Sovereign if one is named.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

const { READY_URL, SOVEREIGN, SOVEREIGN_URL, TOKEN_FILE, PROGRAM = "/app/src/cli/main.ts", TRIES = "60" } = process.env;

async function readiness() {
  try {
    const answer = await fetch(READY_URL, { signal: AbortSignal.timeout(3_000) });
    return { isReady: answer.ok, text: (await answer.text()).trim() };
  } catch (error) {
    return { isReady: false, text: `${error.message}: ${error.cause?.message}` };
  }
}

// 60 tries take 240 s at most, less than the deadline of the Pod.
let last;
for (let tries = 0; tries < Number(TRIES); tries++) {
  last = await readiness();
  if (last.isReady) break;
  await setTimeout(1_000);
}
console.log(`operator: ${last.text}`);
if (!last.isReady) process.exit(1);

if (SOVEREIGN !== undefined) {
  const catalyst = (...args) => execFileSync(process.execPath, [PROGRAM, ...args], { encoding: "utf8" });
  const own = join(tmpdir(), "token");
  try {
    if (TOKEN_FILE === undefined) {
      // catalyst token takes the name of the process's user, and the user of the image has none.
      const token = catalyst("token", "--sovereign", SOVEREIGN, "--user", "helm-test");
      writeFileSync(own, token, { mode: 0o600 });
    }
    console.log(catalyst("smoke", "--url", SOVEREIGN_URL, "--token-file", TOKEN_FILE ?? own));
  } catch (error) {
    console.log(error.stdout ?? error.message);
    process.exit(1);
  }
}

import { sleep } from "../../../src/platform/shutdown.ts";
import { claimStateDirectory } from "../../../src/playground/process/state-directory.ts";

// Claims a state directory at the same moment as other processes, prints the result, and holds the directory until it is
// killed: `node claim-state-directory.ts DIRECTORY MOMENT_MS`.
const [directory = "", moment = "0"] = process.argv.slice(2);
await sleep(Math.max(0, Number(moment) - Date.now() - 2));
while (Date.now() < Number(moment));
try {
  claimStateDirectory(directory).file("kept");
  process.stdout.write("claimed\n");
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
}
process.stdin.resume();

import { afterAll } from "vitest";
import { AREAS } from "../support/suite/apiserver/registry.ts";
import { describeApiServer } from "../support/suite/apiserver/suite.ts";
import { createTally } from "../support/suite/apiserver/tally.ts";

const KINDS = ["embedded", "real", "previous"] as const;
const tally = createTally(AREAS, KINDS);

for (const kind of KINDS) describeApiServer(kind, tally);

afterAll(() => {
  process.stdout.write(`\n${tally.text()}\n`);
});

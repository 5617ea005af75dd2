import diagnostics from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { startRegistry } from "../../../src/playground/registry/server.ts";
import { signArtifact, signatureTag } from "../../../src/playground/registry/signature.ts";
import { artifactOf, imageOf } from "./artifact.ts";

// A registry with signed artifacts, in a process of its own. It measures its own time, from the head of a request to the end of
// the answer. It ends with its parent.
const [keyFile = "", count = "0"] = process.argv.slice(2);
const key = readFileSync(keyFile, "utf8");
const registry = await startRegistry();
for (let index = 0; index < Number(count); index += 1) {
  const artifact = artifactOf(index);
  registry.push(artifact);
  registry.push(signArtifact(artifact, imageOf(index), key), signatureTag(artifact.digest));
}

const startedMs = new WeakMap<IncomingMessage, number>();
let requests = 0;
let spentMs = 0;
diagnostics.subscribe("http.server.request.start", (message) => {
  startedMs.set((message as { request: IncomingMessage }).request, performance.now());
});
diagnostics.subscribe("http.server.response.finish", (message) => {
  const started = startedMs.get((message as { request: IncomingMessage }).request);
  if (started === undefined) return;
  requests += 1;
  spentMs += performance.now() - started;
});

process.on("message", () => process.send?.({ requests, spentMs }));
process.on("disconnect", () => process.exit());
process.send?.({ port: Number(new URL(registry.origin).port) });

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { ApiConnection } from "../../../src/playground/story/api-connection.ts";
import { sovereign } from "../builder/catalyst-object.ts";
import { eventually } from "../wait.ts";
import { SOVEREIGNS as DEFINITION_PATH } from "./native-policy-object.ts";
import { cluster, mergePatch, post, type Request, remove } from "./red-team/attempt.ts";
import { PEOPLE, type Person } from "./red-team/person.ts";
import { sendAs } from "./red-team/sender.ts";

const DEFINITION = join(import.meta.dirname, "../../../crds/sovereigns.catalyst.openova.io.yaml");
const SOVEREIGNS = cluster("catalyst.openova.io/v1alpha1", "sovereigns");
const MARK = "catalyst.openova.io/managed-by";
const IMAGE = "catalyst.openova.io/image";
const { metadata: _, ...OBJECT } = sovereign("a");
const create = (name: string, labels: Record<string, string>) =>
  post(SOVEREIGNS, {
    ...OBJECT,
    spec: { ...OBJECT.spec, fqdn: `${name}.example` },
    metadata: { name, labels, annotations: { [IMAGE]: "one" } },
  });
const change = (patch: object, name = "spoke") => mergePatch(`${SOVEREIGNS}/${name}`, patch);
const branding = { spec: { branding: { displayName: "Omantel" } } };
const suspend = (value: boolean) => ({ spec: { suspend: value } });

const DENIED: readonly [title: string, by: Person, path: string, request: Request][] = [
  ["changes the spec", "platform", "spec", change(suspend(true))],
  ["changes the spec, as Flux", "helmController", "spec", change(suspend(true))],
  ["changes the spec, as the operator there", "operator", "spec", change(suspend(true))],
  ["adds to the spec", "platform", "spec", change({ spec: { parent: "zero" } })],
  [
    "changes the spec beside its branding",
    "platform",
    "spec",
    change({ spec: { ...branding.spec, suspend: true } }),
  ],
  ["takes the mark away", "platform", "metadata", change({ metadata: { labels: { [MARK]: null } } })],
  ["takes all labels away", "platform", "metadata", change({ metadata: { labels: null } })],
  [
    "gives it another image",
    "platform",
    "metadata",
    change({ metadata: { annotations: { [IMAGE]: "two" } } }),
  ],
  ["deletes it", "platform", "metadata.name", remove(`${SOVEREIGNS}/spoke`)],
];

const ALLOWED: readonly [title: string, by: Person | undefined, request: Request][] = [
  ["sets branding", "platform", change(branding)],
  ["takes branding away again", "platform", change({ spec: { branding: null } })],
  ["writes a label of its own", "platform", change({ metadata: { labels: { team: "a" } } })],
  ["writes a finalizer", "operator", change({ metadata: { finalizers: ["example.org/a"] } })],
  ["is the hub", "hub", change(suspend(true))],
  ["is of system:masters", undefined, change(suspend(false))],
  ["changes what is not the hub's", "platform", change(suspend(true), "own")],
  ["deletes what is not the hub's", "platform", remove(`${SOVEREIGNS}/own`)],
  ["is the hub, and deletes it", "hub", remove(`${SOVEREIGNS}/spoke`)],
];

/** Tests which users may change the hub's objects on a cluster. The webhook does not receive requests of the platform. */
export function testHubObjects(connection: () => ApiConnection): void {
  describe("an object from the hub", () => {
    const send = (request: Request, person?: Person) =>
      sendAs(connection(), person && PEOPLE[person], request);

    beforeAll(async () => {
      const { spec } = parse(readFileSync(DEFINITION, "utf8"));
      const patched = await send(mergePatch(DEFINITION_PATH, { spec: { versions: spec.versions } }));
      expect(patched.status, patched.message).toBe(200);
      // The API server serves the new schema a moment later. Until then, it drops the spec.
      const trial = create("trial", {});
      await eventually(async () => {
        const { body } = await send({ ...trial, path: `${trial.path}?dryRun=All` });
        expect((body as { spec?: object }).spec).toBeDefined();
      });
      for (const made of [create("spoke", { [MARK]: "hub" }), create("own", {})])
        expect((await send(made)).status).toBe(201);
    });

    it.each(DENIED)("is denied to one who %s", async (_title, person, path, request) => {
      const answer = await send(request, person);
      expect(answer.status, answer.message).toBe(403);
      expect(answer.message).toContain(`denied request: hub-object: ${path}: `);
    });

    it.each(ALLOWED)("is free for one who %s", async (_title, person, request) => {
      const answer = await send(request, person);
      expect(answer.status, answer.message).toBeLessThan(300);
    });
  });
}

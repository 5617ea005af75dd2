import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { ApiConnection } from "../../../src/playground/story/api-connection.ts";
import { release } from "../builder/catalyst-object.ts";
import { eventually } from "../wait.ts";
import { DEFINITIONS } from "./native-policy-object.ts";
import { cluster, jsonPatch, mergePatch, post, type Request, remove } from "./red-team/attempt.ts";
import { PEOPLE, type Person } from "./red-team/person.ts";
import { sendAs } from "./red-team/sender.ts";

const DEFINITION = join(import.meta.dirname, "../../../crds/billingreleases.catalyst.openova.io.yaml");
const RELEASES = cluster("catalyst.openova.io/v1alpha1", "billingreleases");
const STABLE = `${RELEASES}/stable`;
const { metadata: _, status: __, ...RELEASE } = release();
const DIGEST = RELEASE.spec.image.split("@")[1];

const PAUSED = "catalyst.openova.io/rollout-paused";
const RESUMED = "catalyst.openova.io/rollout-resumed";
const APPROVED = "approve.catalyst.openova.io/gulf";
const annotate = (annotations: Record<string, string | null>) =>
  mergePatch(STABLE, { metadata: { annotations } });
const create = (name: string, annotations: Record<string, string>) =>
  post(RELEASES, { ...RELEASE, metadata: { name, annotations } });
const by = (user: string, rest = "") => `${user}@${DIGEST}${rest}`;

const DENIED: readonly [title: string, by: Person, request: Request][] = [
  ["approves in another's name", "platform", annotate({ [APPROVED]: by("amal") })],
  ["pauses in another's name", "platform", annotate({ [PAUSED]: by("amal") })],
  ["resumes in another's name", "platform", annotate({ [RESUMED]: by("amal", "#1") })],
  ["skips in another's name", "platform", annotate({ "skip.catalyst.openova.io/doha": by("amal") })],
  ["ends a bake in another's name", "platform", annotate({ "skip-bake.catalyst.openova.io/a": by("amal") })],
  ["aborts in another's name", "platform", annotate({ "catalyst.openova.io/rollout-aborted": by("amal") })],
  ["approves in a name that begins with its own", "platform", annotate({ [APPROVED]: by("ops@example") })],
  ["approves in a name that ends with its own", "platform", annotate({ [APPROVED]: by("not-ops") })],
  ["hides a name behind a digest", "platform", annotate({ [APPROVED]: by(by("ops")) })],
  ["hides a name behind a generation", "platform", annotate({ [APPROVED]: by("ops", `#2${by("@amal")}`) })],
  ["approves without a digest", "platform", annotate({ [APPROVED]: "ops" })],
  ["approves in another's name, as Flux", "helmController", annotate({ [APPROVED]: by("ops") })],
  ["changes who paused", "platform", annotate({ [PAUSED]: by("basim") })],
  [
    "sets all annotations at once",
    "platform",
    jsonPatch(STABLE, [{ op: "add", path: "/metadata/annotations", value: { [APPROVED]: by("amal") } }]),
  ],
  ["creates one with another's approval", "platform", create("forged", { [APPROVED]: by("amal") })],
];

const ALLOWED: readonly [title: string, by: Person, request: Request][] = [
  ["approves in its own name", "platform", annotate({ [APPROVED]: by("ops") })],
  ["approves at a generation", "platform", annotate({ [APPROVED]: by("ops", "#1234567890123456") })],
  ["resumes in its own name", "platform", annotate({ [RESUMED]: by("ops", "#3") })],
  [
    "approves as an account",
    "helmController",
    annotate({ [APPROVED]: by("system:serviceaccount:flux-system:helm-controller") }),
  ],
  ["writes another annotation", "platform", annotate({ note: "agreed with amal" })],
  [
    "changes the spec, and leaves another's annotation as it is",
    "platform",
    mergePatch(STABLE, { spec: { version: "2.0.1" }, metadata: { annotations: { [PAUSED]: by("zahra") } } }),
  ],
  ["ends another's pause", "platform", annotate({ [PAUSED]: null })],
  [
    "creates one without an annotation",
    "platform",
    post(RELEASES, { ...RELEASE, metadata: { name: "edge" } }),
  ],
  ["deletes one", "platform", remove(`${RELEASES}/edge`)],
];

/**
 * Tests which name a user may write into the annotations of a rollout. The webhook does not receive requests of the
 * platform.
 */
export function testRolloutAnnotations(connection: () => ApiConnection): void {
  describe("the annotations of a rollout", () => {
    const send = (request: Request, person?: Person) =>
      sendAs(connection(), person && PEOPLE[person], request);

    beforeAll(async () => {
      const { status } = await send(post(DEFINITIONS, parse(readFileSync(DEFINITION, "utf8"))));
      expect(status).toBe(201);
      const stable = create("stable", { [PAUSED]: by("zahra") });
      // The kind is served a moment after its definition.
      await eventually(async () => expect((await send(stable, "zahra")).status).toBe(201));
    });

    it.each(DENIED)("denies one who %s", async (_title, person, request) => {
      const answer = await send(request, person);
      expect(answer.status, answer.message).toBe(403);
      expect(answer.message).toContain("denied request: rollout-annotation: metadata.annotations: ");
    });

    it.each(ALLOWED)("allows one who %s", async (_title, person, request) => {
      const answer = await send(request, person);
      expect(answer.status, answer.message).toBeLessThan(300);
    });
  });
}

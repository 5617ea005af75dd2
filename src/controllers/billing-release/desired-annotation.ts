import type { BillingRelease } from "../../api/billing-release.ts";
import { ROLLOUT_ANNOTATION, ROLLOUT_ANNOTATION_PREFIX } from "../../api/rollout-annotation.ts";
import { rolloutOf } from "./desired-completion.ts";
import { stagesOf } from "./desired-stage.ts";

/** An action that a person requests for a rollout. `name` is a stage for `approve`, and a Sovereign for `skip`. */
export interface RolloutAction {
  kind: "pause" | "resume" | "approve" | "skip" | "abort";
  name: string | undefined;
}

/** The annotations that an action writes; null removes one. `problem` says why the action is not possible now. */
export type AnnotationChange =
  | { annotations: Record<string, string | null>; done: string; problem?: never }
  | { problem: string; annotations?: never };

/** `user` is the person's name as the API server authenticated it. */
export function desiredAnnotations(
  release: BillingRelease,
  { kind, name }: RolloutAction,
  user: string,
): AnnotationChange {
  const { image } = release.spec;
  const by = `${user}@${image.slice(image.lastIndexOf("@") + 1)}`;
  const inRollout = `${by}#${release.metadata.generation ?? 1}`;
  const rollout = rolloutOf(release);
  const change = (annotations: Record<string, string | null>, done: string) => ({ annotations, done });
  if (kind === "pause")
    return change({ [ROLLOUT_ANNOTATION.paused]: by }, "paused: no further Sovereign starts");
  if (kind === "abort")
    return change(
      // A pause would also stop the way back.
      { [ROLLOUT_ANNOTATION.paused]: null, [ROLLOUT_ANNOTATION.aborted]: inRollout },
      "aborted: no further Sovereign starts",
    );
  if (kind === "resume") {
    const number = rollout?.halt?.number;
    return change(
      {
        [ROLLOUT_ANNOTATION.paused]: null,
        [ROLLOUT_ANNOTATION.aborted]: null,
        ...(number === undefined ? {} : { [ROLLOUT_ANNOTATION.resumed]: `${by}#${number}` }),
      },
      "resumed",
    );
  }
  if (kind === "approve") {
    const gated = stagesOf(release).filter(({ needsApproval }) => needsApproval);
    const stage = gated.find((each) => each.name === (name ?? rollout?.stage));
    const names = gated.map((each) => each.name).join(", ") || "none";
    return stage === undefined
      ? { problem: `no such stage waits for an approval: name one of these stages: ${names}` }
      : change(
          { [`${ROLLOUT_ANNOTATION_PREFIX.approve}${stage.name}`]: inRollout },
          `stage ${stage.name} is approved`,
        );
  }
  if (name !== undefined)
    return change(
      { [`${ROLLOUT_ANNOTATION_PREFIX.skip}${name}`]: inRollout },
      `Sovereign ${name} is left out of the rollout of this image`,
    );
  if (release.status?.phase !== "Baking")
    return { problem: "no stage bakes now: name the Sovereign to leave out" };
  const stages = stagesOf(release).map((each) => each.name);
  const reached = stages.slice(0, stages.indexOf(rollout?.stage ?? "") + 1);
  return change(
    Object.fromEntries(reached.map((each) => [`${ROLLOUT_ANNOTATION_PREFIX.skipBake}${each}`, inRollout])),
    "the bake is over",
  );
}

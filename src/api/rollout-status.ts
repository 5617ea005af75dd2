import { MAX_STAGES } from "./rollout.ts";
import {
  flag,
  list,
  listMap,
  object,
  objectName,
  oneOf,
  type Static,
  Type,
  text,
  time,
  wholeNumber,
} from "./schema.ts";

/** Lists in the status name at most this many Sovereigns. The counts are exact. */
export const MAX_NAMED = 10;
const MAX_INTERVENTIONS = 64;

export const count = (description: string) =>
  Type.Optional(wholeNumber({ description, minimum: 0, maximum: 1_000_000, format: "int32" }));

const reason = () => text({ description: "Reason, in CamelCase.", maxLength: 256 });
const message = (description: string) => Type.String({ description, maxLength: 1024 });

const StageStatusSchema = object(
  {
    name: text({ description: "Name of the stage.", maxLength: 40 }),
    sovereigns: count("Number of Sovereigns in the stage."),
    verified: count("How many of them are verified on the image; on the way back, on the previous image."),
    updating: count("How many of them change their image now."),
    failed: count("How many of them failed on the image."),
    waiting: count("How many of them still have to change their image."),
    leftOut: count(
      "How many of them the rollout leaves out: suspended, held, skipped, refused, being deleted, or on a cluster that the hub does not reach.",
    ),
  },
  { description: "How far a stage is." },
);

const HolderSchema = object(
  {
    name: objectName("Name of the Sovereign."),
    state: oneOf(["Failed", "Updating", "Waiting", "LeftOut"], {
      description: "Where it is in the rollout.",
    }),
    reason: reason(),
    message: message("What it waits for, or what is wrong."),
  },
  { description: "A Sovereign that is not verified on the image, and why." },
);

const InterventionSchema = object(
  {
    kind: oneOf(["Pause", "Approve", "Skip", "SkipBake", "Abort", "Resume"], {
      description: "What was done.",
    }),
    subject: Type.String({
      description: "The stage or the Sovereign; empty for the whole rollout.",
      maxLength: 63,
    }),
    by: text({ description: "The user that did it.", maxLength: 256 }),
    at: time("When the operator saw it first."),
  },
  { description: "What a person did to the rollout." },
);

const HaltSchema = object(
  {
    number: wholeNumber({ description: "Counts the halts of this image.", minimum: 1, maximum: 1_000_000 }),
    reason: reason(),
    message: message("What is wrong, and with which Sovereign."),
    at: time("When the operator saw it."),
    returns: flag(
      "Whether Sovereigns go back to their previous image. The halt then lasts until `catalyst rollout resume`.",
    ),
  },
  { description: "Why the rollout halted." },
);

export const RolloutStatusSchema = object(
  {
    image: text({ description: "The image that is rolled out.", maxLength: 512 }),
    sinceGeneration: Type.Optional(
      wholeNumber({
        description:
          "Generation of the BillingRelease with which the rollout began. Sovereigns that left another image earlier do not go back to it. Absent for a rollout that began under an operator without this field: every previous image counts.",
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
      }),
    ),
    completedAt: Type.Optional(
      time(
        "When the rollout of this image was complete. From then on, a Sovereign that fails neither halts nor returns the others.",
      ),
    ),
    stage: Type.Optional(text({ description: "The stage that takes the image now.", maxLength: 40 })),
    stages: listMap(StageStatusSchema, ["name"], {
      description: "How far each stage is.",
      maxItems: MAX_STAGES,
    }),
    heldUpBy: Type.Optional(
      list(HolderSchema, {
        description: `Sovereigns that are not verified on the image: those that failed, then those that update, and last those on unreachable clusters, at most ${MAX_NAMED}.`,
        maxItems: MAX_NAMED,
      }),
    ),
    leftOut: Type.Optional(
      list(HolderSchema, {
        description: `Sovereigns that the rollout leaves out, at most ${MAX_NAMED}.`,
        maxItems: MAX_NAMED,
      }),
    ),
    interventions: Type.Optional(
      listMap(InterventionSchema, ["kind", "subject"], {
        description: "What people did to this rollout, and when.",
        maxItems: MAX_INTERVENTIONS,
      }),
    ),
    halt: Type.Optional(HaltSchema),
  },
  { description: "The rollout of the present image: who is where, and why it stopped." },
);

export type RolloutStatus = Static<typeof RolloutStatusSchema>;
export type Holder = Static<typeof HolderSchema>;
export type Intervention = Static<typeof InterventionSchema>;
export type Halt = Static<typeof HaltSchema>;

export const PHASES = [
  "Pending",
  "Canary",
  "Progressing",
  "Baking",
  "WaitingForApproval",
  "Paused",
  "Halted",
  "Aborted",
  "Complete",
  "Degraded",
] as const;
export type Phase = (typeof PHASES)[number];

import type { Summary } from "../controllers/summary.ts";
import { oneLine } from "./terminal-text.ts";

/** With these limits, the status of a fleet of any size has at most 52 lines. This many objects are described in full. */
const MAX_IN_FULL = 4;
const MAX_LINES = 8;
/** The most lines for Ready objects of one kind. */
const MAX_READY_LINES = 5;
/** The most further obstacles for each object of a fleet, and the most characters of a message. */
const MAX_FURTHER = 1;
const MAX_MESSAGE = 240;
/** The most reasons that a line of counts names. */
const MAX_PARTS = 3;

/** Describes in full what keeps a Sovereign or a release from being Ready. */
export function describeObject(summary: Summary, nowMs: number): string {
  return textOf(inFull(summary, nowMs, { further: summary.also.length, message: Number.POSITIVE_INFINITY }));
}

/**
 * Objects that are not Ready come first, in full or in one line, then Ready ones. The rest is only counted; `-o json`
 * shows all.
 */
export function describeFleet(summaries: readonly Summary[], nowMs: number): string {
  if (summaries.length === 0) return "There is no BillingRelease and no Sovereign.\n";
  const ready = summaries.filter((summary) => summary.ready === "True");
  const others = [
    ...summaries.filter((summary) => summary.ready === "False"),
    ...summaries.filter((summary) => summary.ready === "Unknown"),
  ];
  const shown = others.slice(0, MAX_IN_FULL + MAX_LINES);
  const more = others.slice(shown.length);
  return textOf([
    `${ready.length} of ${summaries.length} are Ready.`,
    ...shown
      .slice(0, MAX_IN_FULL)
      .flatMap((summary) => inFull(summary, nowMs, { further: MAX_FURTHER, message: MAX_MESSAGE })),
    ...shown.slice(MAX_IN_FULL).map((summary) => inOneLine(summary, nowMs)),
    ...(more.length === 0
      ? []
      : [
          `${more.length} more are not Ready: ${counts(more, ({ heldBy }) => heldBy?.reason ?? "no reason")}`,
        ]),
    ...describeReady(ready),
  ]);
}

function describeReady(ready: readonly Summary[]): string[] {
  return (["BillingRelease", "Sovereign"] as const).flatMap((wanted) => {
    const those = ready.filter(({ kind }) => kind === wanted);
    return those.length > MAX_READY_LINES
      ? [`${those.length} ${wanted}s are Ready: ${counts(those, ({ is }) => is)}`]
      : those.map((summary) => `${summary.kind} ${summary.name}: Ready, ${summary.is}${exception(summary)}`);
  });
}

/** What is wrong with a Ready Sovereign: not every condition counts for Ready. */
function exception({ kind, also }: Summary): string {
  const wrong = kind === "Sovereign" ? firstOf(also) : undefined;
  return wrong === undefined ? "" : `, but ${wrong}`;
}

/** The first obstacle and how many more: `DatabaseUnreachable and 3 more`. */
const firstOf = ([first, ...more]: Summary["also"]): string | undefined =>
  first && `${first.reason}${more.length === 0 ? "" : ` and ${more.length} more`}`;

/** Counts by reason, most frequent first: `80 DatabaseUnreachable, 32 Migrating`. */
function counts(summaries: readonly Summary[], of: (summary: Summary) => string): string {
  const numbers = new Map<string, number>();
  for (const summary of summaries) numbers.set(of(summary), (numbers.get(of(summary)) ?? 0) + 1);
  const sorted = [...numbers].sort(([, one], [, other]) => other - one);
  const rest = sorted.slice(MAX_PARTS).reduce((sum, [, number]) => sum + number, 0);
  return [
    ...sorted.slice(0, MAX_PARTS).map(([text, number]) => `${number} ${text}`),
    ...(rest === 0 ? [] : [`${rest} others`]),
  ].join(", ");
}

function inFull(
  { kind, name, ready, is, should, heldBy, also }: Summary,
  nowMs: number,
  most: { further: number; message: number },
): string[] {
  const hidden = also.length - most.further;
  const line = (message: string) => `           ${shortened(message, most.message)}`;
  return [
    `${kind} ${name}: ${stateOf(ready)}`,
    `  is:      ${is}`,
    `  should:  ${should}`,
    ...(heldBy === undefined
      ? []
      : [`  held by: ${heldBy.reason}${since(heldBy.since, nowMs)}`, line(heldBy.message)]),
    ...also.slice(0, most.further).flatMap(({ reason, message }) => [`  also:    ${reason}`, line(message)]),
    ...(hidden > 0 ? [`  also:    ${hidden} more: see ${kind} ${name} alone`] : []),
  ];
}

/** A message may quote a container's log with line breaks and terminal control sequences. */
function shortened(message: string, most: number): string {
  const text = oneLine(message).trim();
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** The line of a release names the first Sovereign that holds it up, because no other line connects the two. */
function inOneLine({ kind, name, ready, heldBy, also }: Summary, nowMs: number): string {
  const held = heldBy === undefined ? "" : `, ${heldBy.reason}${since(heldBy.since, nowMs)}`;
  const further = kind === "BillingRelease" ? firstOf(also) : undefined;
  return `${kind} ${name}: ${stateOf(ready)}${held}${further === undefined ? "" : `: ${further}`}`;
}

const stateOf = (ready: Summary["ready"]): string =>
  ({ True: "Ready", False: "not Ready", Unknown: "unknown" })[ready];

const since = (at: string, nowMs: number): string =>
  at === "" ? "" : `, since ${at} (${age(nowMs - Date.parse(at))})`;

/** `3d`, `5h`, `12m`, `40s`. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(seconds / unit));
  if (days) return `${days}d`;
  if (hours) return `${hours}h`;
  return minutes ? `${minutes}m` : `${seconds}s`;
}

const textOf = (lines: readonly string[]): string => `${lines.join("\n")}\n`;

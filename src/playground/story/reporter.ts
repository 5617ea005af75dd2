import { performance } from "node:perf_hooks";
import { errorMessage } from "../../platform/errors.ts";
import { untilAborted } from "../../platform/shutdown.ts";
import { createTerminal, type TerminalStream } from "./terminal.ts";

/** With mark and duration, a line then fits a terminal of 80 columns. */
const TITLE_COLUMNS = 66;

export type Observe = (text: string) => void;

export interface Reporter {
  chapter(number: number, title: string, summary: string): void;
  /**
   * Runs one step, then prints one line: the title, which says what the step proves, and the duration. When `action` throws,
   * prints that the step failed, with its observations, and throws the same error.
   */
  step<T>(title: string, action: (observe: Observe) => Promise<T>): Promise<T>;
  /** Shows on a terminal that the work is under way. Prints nothing to a pipe. */
  during<T>(title: string, work: Promise<T>): Promise<T>;
  line(text?: string): void;
  /** How many steps passed and failed. */
  count(): { passed: number; failed: number };
}

/** Milliseconds below a second, seconds with one decimal above. */
export function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}

const MARKS = {
  passed: { colour: "green", onTerminal: "✔", inPipe: "ok" },
  stopped: { colour: "yellow", onTerminal: "■", inPipe: "stopped" },
  failed: { colour: "red", onTerminal: "✘", inPipe: "FAILED" },
} as const;

/** Twelve digits tell digests apart. With all 64, a line would not fit a terminal. */
const withShortDigests = (text: string) => text.replace(/\b(sha256:[0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…");

export interface ReporterOptions {
  /** Prints the observations of steps that pass, too. */
  verbose?: boolean;
  /** `NO_COLOR` is set. */
  noColor?: boolean;
  /** Stops the running step, which then counts as neither passed nor failed. */
  signal?: AbortSignal;
}

/** The story was stopped during a step. */
export class StoryStopped extends Error {
  override readonly name = "StoryStopped";
}

/** Prints the story to a terminal or a pipe. A pipe gets the same lines as plain text. */
export function createReporter(
  out: TerminalStream,
  { verbose = false, noColor = false, signal = new AbortController().signal }: ReporterOptions = {},
): Reporter {
  const terminal = createTerminal(out, noColor);
  const { paint, line } = terminal;
  let passed = 0;
  let failed = 0;

  const titleLine = (mark: string, title: string, startedAt: number) =>
    `  ${mark} ${title.padEnd(TITLE_COLUMNS)} ${paint("dim", formatDuration(performance.now() - startedAt).padStart(7))}`;

  async function step<T>(title: string, action: (observe: Observe) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const observations: string[] = [];
    const stopSpinning = terminal.spin((mark) => titleLine(mark, title, startedAt));
    const report = (result: keyof typeof MARKS, withEvidence: boolean) => {
      stopSpinning();
      const { colour, onTerminal, inPipe } = MARKS[result];
      line(titleLine(paint(colour, terminal.isTerminal ? onTerminal : inPipe), title, startedAt));
      for (const text of withEvidence ? observations : [])
        line(paint("dim", `      ${withShortDigests(text).replaceAll("\n", "\n      ")}`));
    };
    try {
      // A stopped step ends at once, before its action fails on a closed connection.
      const result = await untilAborted(
        action((text) => observations.push(text)),
        signal,
      );
      passed += 1;
      report("passed", verbose);
      return result;
    } catch (error) {
      if (signal.aborted) {
        report("stopped", verbose);
        throw new StoryStopped("stopped before the end of the story");
      }
      failed += 1;
      report("failed", true);
      line(paint("red", `      ${errorMessage(error)}`));
      throw error;
    }
  }

  async function during<T>(title: string, work: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const stopSpinning = terminal.spin((mark) => titleLine(mark, title, startedAt));
    try {
      return await work;
    } finally {
      stopSpinning();
    }
  }

  return {
    chapter(number, title, summary) {
      line();
      line(` ${paint(["bold", "cyan"], String(number))}  ${paint("bold", title)}`);
      line(`    ${paint("dim", summary)}`);
      line();
    },
    step,
    during,
    line,
    count: () => ({ passed, failed }),
  };
}

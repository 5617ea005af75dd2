import { performance } from "node:perf_hooks";
import { styleText } from "node:util";
import { errorMessage } from "../../platform/errors.ts";

const TITLE_COLUMNS = 74;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPINNER_INTERVAL_MS = 90;

export type Observe = (text: string) => void;

export interface Reporter {
  chapter(number: number, title: string, summary: string): void;
  /**
   * Runs one step, then prints its title, its duration and its observations. When `action` throws, prints that the step
   * failed and throws the same error.
   */
  step<T>(title: string, action: (observe: Observe) => Promise<T>): Promise<T>;
  line(text?: string): void;
  /** How many steps passed and failed. */
  count(): { passed: number; failed: number };
}

/** Milliseconds below a second, seconds with one decimal above. */
export function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}

export interface ReporterOptions {
  /** `NO_COLOR` is set. */
  noColor?: boolean;
  /** Stops the running step, which then counts as neither passed nor failed. */
  signal?: AbortSignal;
}

/** The story was stopped during a step. */
export class StoryStopped extends Error {
  override readonly name = "StoryStopped";
}

/**
 * Prints the story to a terminal or a pipe. Only a terminal gets the spinner, and colours unless `noColor` is set. A pipe
 * gets the same lines as plain text.
 */
export function createReporter(
  out: NodeJS.WritableStream & { isTTY?: boolean },
  { noColor = false, signal }: ReporterOptions = {},
): Reporter {
  const onTerminal = out.isTTY === true;
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    onTerminal && !noColor ? styleText(format, text, { validateStream: false }) : text;
  let passed = 0;
  let failed = 0;

  const line = (text = "") => out.write(`${text}\n`);
  const titleLine = (mark: string, title: string, elapsedMs: number) =>
    `  ${mark} ${title.padEnd(TITLE_COLUMNS)} ${paint("dim", formatDuration(elapsedMs).padStart(7))}`;

  function spin(title: string, startedAt: number): () => void {
    if (!onTerminal) return () => {};
    let frame = 0;
    const timer = setInterval(() => {
      const mark = paint("cyan", SPINNER[frame++ % SPINNER.length] ?? "");
      out.write(`\r\u001b[K${titleLine(mark, title, performance.now() - startedAt)}`);
    }, SPINNER_INTERVAL_MS);
    return () => {
      clearInterval(timer);
      out.write("\r\u001b[K");
    };
  }

  async function step<T>(title: string, action: (observe: Observe) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const observations: string[] = [];
    const stopSpinning = spin(title, startedAt);
    const report = (mark: string) => {
      stopSpinning();
      line(titleLine(mark, title, performance.now() - startedAt));
      for (const text of observations) line(paint("dim", `      ${text.replaceAll("\n", "\n      ")}`));
    };
    const stop = stopped();
    try {
      const acting = action((text) => observations.push(text));
      const result = await Promise.race([acting, stop.promise]);
      passed += 1;
      report(paint("green", onTerminal ? "✔" : "ok"));
      return result;
    } catch (error) {
      if (error instanceof StoryStopped) {
        report(paint("yellow", onTerminal ? "■" : "stopped"));
        throw error;
      }
      failed += 1;
      report(paint("red", onTerminal ? "✘" : "FAILED"));
      line(paint("red", `      ${errorMessage(error)}`));
      throw error;
    } finally {
      stop.release();
    }
  }

  /** Rejects when the story is stopped. The step then ends at once, before its action fails on a closed connection. */
  function stopped(): { promise: Promise<never>; release(): void } {
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(new StoryStopped("stopped before the end of the story"));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    promise.catch(() => {});
    return { promise, release: () => signal?.removeEventListener("abort", onAbort) };
  }

  return {
    chapter(number, title, summary) {
      line();
      line(` ${paint(["bold", "cyan"], String(number))}  ${paint("bold", title)}`);
      line(`    ${paint("dim", summary)}`);
      line();
    },
    step,
    line,
    count: () => ({ passed, failed }),
  };
}

import { performance } from "node:perf_hooks";
import { styleText } from "node:util";
import { errorMessage } from "../../platform/errors.ts";

const TITLE_COLUMNS = 74;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPINNER_INTERVAL_MS = 90;

export type Observe = (text: string) => void;

export interface Narrator {
  chapter(number: number, title: string, proves: string): void;
  /**
   * One step of the story: runs `action`, then prints the title, how long it took and what was observed.
   * Rethrows what `action` throws after saying that the step failed.
   */
  step<T>(title: string, action: (observe: Observe) => Promise<T>): Promise<T>;
  line(text?: string): void;
  /** Steps that held and that did not. */
  count(): { passed: number; failed: number };
}

/** Milliseconds below a second, seconds with one decimal above. */
export function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}

export interface NarratorOptions {
  /** The person asked for no colour (`NO_COLOR`). */
  noColor?: boolean;
  /** Ends the step under way, which then has neither held nor failed. */
  signal?: AbortSignal;
}

/** A step was under way when somebody stopped the story. */
export class StoryStopped extends Error {
  override readonly name = "StoryStopped";
}

/**
 * Tells the story on a terminal or into a pipe. Colour and the spinner appear on a terminal only, and not
 * where the person asked for none; a pipe gets the same lines plain.
 */
export function createNarrator(
  out: NodeJS.WritableStream & { isTTY?: boolean },
  { noColor = false, signal }: NarratorOptions = {},
): Narrator {
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

  /** Rejects when the story is stopped: what the action says of its connections being gone is no news then. */
  function stopped(): { promise: Promise<never>; release(): void } {
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(new StoryStopped("stopped before the story ended"));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    promise.catch(() => {});
    return { promise, release: () => signal?.removeEventListener("abort", onAbort) };
  }

  return {
    chapter(number, title, proves) {
      line();
      line(` ${paint(["bold", "cyan"], String(number))}  ${paint("bold", title)}`);
      line(`    ${paint("dim", proves)}`);
      line();
    },
    step,
    line,
    count: () => ({ passed, failed }),
  };
}

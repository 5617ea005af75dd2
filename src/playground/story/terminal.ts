import { styleText } from "node:util";

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPINNER_INTERVAL_MS = 90;
const CLEAR_LINE = "\r\u001b[K";
/** A line that wraps in a narrow terminal would be two, and only the second would be cleared. */
const WITHOUT_WRAP = "\u001b[?7l";
const WITH_WRAP = "\u001b[?7h";

export type TerminalStream = NodeJS.WritableStream & { isTTY?: boolean };

export interface Terminal {
  /** False for a pipe. */
  isTerminal: boolean;
  paint(format: Parameters<typeof styleText>[0], text: string): string;
  line(text?: string): void;
  /** Shows a moving mark in the last line until the returned function is called. A pipe gets nothing. */
  spin(lineWith: (mark: string) => string): () => void;
}

/** Only a terminal gets the moving mark, and colours unless `noColor` is set. */
export function createTerminal(out: TerminalStream, noColor: boolean): Terminal {
  const isTerminal = out.isTTY === true;
  const hasColours = isTerminal && !noColor;
  let isMarkShown = false;

  const paint: Terminal["paint"] = (format, text) =>
    hasColours ? styleText(format, text, { validateStream: false }) : text;

  function clear(): void {
    if (isMarkShown) out.write(CLEAR_LINE);
    isMarkShown = false;
  }

  return {
    isTerminal,
    paint,
    line(text = "") {
      clear();
      out.write(`${text}\n`);
    },
    spin(lineWith) {
      if (!isTerminal) return () => {};
      let frame = 0;
      const timer = setInterval(() => {
        const mark = paint("cyan", SPINNER[frame++ % SPINNER.length] ?? "");
        out.write(`${CLEAR_LINE}${WITHOUT_WRAP}${lineWith(mark)}${WITH_WRAP}`);
        isMarkShown = true;
      }, SPINNER_INTERVAL_MS);
      return () => {
        clearInterval(timer);
        clear();
      };
    },
  };
}

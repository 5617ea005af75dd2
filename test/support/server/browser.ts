import { existsSync } from "node:fs";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Each language and colour scheme, on a wide and on a narrow screen. */
export const LOOKS = [
  ["en", "light", 1280],
  ["en", "dark", 360],
  ["ar", "light", 360],
  ["ar", "dark", 1280],
] as const;

export function launchBrowser(args: string[] = []): Promise<Browser> {
  if (!existsSync(EXECUTABLE))
    throw new Error(`no ${EXECUTABLE}: test/conformance/install-debian-tools.sh installs it`);
  return chromium.launch({
    executablePath: EXECUTABLE,
    // As root, where CI runs, Chromium's sandbox does not start.
    args: [...args, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
  });
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** Errors on the console (a broken Content-Security-Policy is one), exceptions, and requests to other origins. */
  faults: string[];
  close(): Promise<void>;
}

export async function visit(
  browser: Browser,
  url: string,
  options: {
    scheme?: "light" | "dark";
    width?: number;
    height?: number;
    javaScript?: boolean;
    locale?: string;
    /** Other origins that the page may use. */
    allowed?: string[];
  } = {},
): Promise<Visit> {
  const context = await browser.newContext({
    colorScheme: options.scheme ?? "light",
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
    javaScriptEnabled: options.javaScript ?? true,
    locale: options.locale ?? "en-GB",
    timezoneId: "Asia/Muscat",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const faults: string[] = [];
  const allowed = [new URL(url).origin, ...(options.allowed ?? [])];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const address = new URL(request.url());
    if (address.protocol !== "data:" && !allowed.includes(address.origin))
      faults.push(`request: ${address.href}`);
  });
  await page.goto(url);
  return { page, context, faults, close: () => context.close() };
}

/** The problems that axe finds, each with its rule and the elements. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`),
    }));
  });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.join(" | ")}`);
}

/** The number of pixels by which the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}

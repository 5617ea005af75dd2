import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { escapeHtml } from "../../src/platform/html.ts";
import { launchBrowser, visit } from "../support/server/browser.ts";
import { useStoryBench } from "../support/suite/story-bench.ts";

const PICTURE = join(import.meta.dirname, "../../docs/screenshots/overview.png");
const MAX_BYTES = 150_000;
const FRANCHISEE = ["--as", "omantel-admin"];
const EDIT = [
  "--namespace",
  "sovereign-omantel",
  "set",
  "image",
  "deployment/billing",
  "billing=evil:latest",
];

/** A terminal beside a browser window, as HTML. */
const pictureOf = (terminal: string, png: Buffer) => `<!doctype html><style>
  body { margin: 0; padding: 20px; display: flex; gap: 20px; align-items: stretch; background: #e8eaee }
  .window { border-radius: 8px; overflow: hidden; box-shadow: 0 4px 18px #0004 }
  .window::before { content: "● ● ●"; display: block; padding: 5px 12px; font: 13px sans-serif; color: #9aa1ab; background: #d5d9df }
  pre { margin: 0; padding: 14px 16px; width: 760px; height: 100%; box-sizing: border-box; background: #14181f; color: #d7dde6;
        font: 12px/1.6 "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere }
  b { color: #7ee787; font-weight: normal }
  img { display: block; width: 380px }
</style><div class="window"><pre>${terminal}</pre></div>
<div class="window"><img src="data:image/png;base64,${png.toString("base64")}"></div>`;

/** Draws the picture of README.md from a playground: SCREENSHOTS=write npx vitest run --project conformance screenshot */
describe.runIf(process.env.SCREENSHOTS === "write")("the picture of the overview", () => {
  const bench = useStoryBench("embedded");
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  /** Runs a command, and returns it as typed with all its output, also when it is refused. */
  async function typed(...args: string[]): Promise<string> {
    const kubectl = join(process.env.KUBEBUILDER_ASSETS ?? "", "kubectl");
    const env = { HOME: bench.stateDir, KUBECONFIG: bench.playground.kubeconfig };
    const { stdout, stderr } = await promisify(execFile)(kubectl, args, { env }).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    return `<b>$ kubectl ${escapeHtml(args.join(" "))}</b>\n${escapeHtml(`${stdout}${stderr}`.trim())}\n\n`;
  }

  it("overview", async () => {
    const terminal = [await typed("get", "sovereigns"), await typed(...FRANCHISEE, ...EDIT)].join("");
    const [redeem = ""] = /http:\S+\/redeem\?code=\S+/.exec(bench.playground.output()) ?? [];
    const offer = await visit(browser, redeem, { width: 620, height: 700 });
    const png = await offer.page.screenshot();
    await offer.close();
    const { page, close } = await visit(browser, "about:blank", { width: 1200, height: 505 });
    await page.setContent(pictureOf(terminal, png));
    await page.screenshot({ path: PICTURE });
    await close();
    expect(statSync(PICTURE).size).toBeLessThan(MAX_BYTES);
  });
});

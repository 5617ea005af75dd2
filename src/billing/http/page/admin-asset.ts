import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readPart, readStyle } from "./theme.ts";

const MODULES = [
  "main.js",
  "session.js",
  "api.js",
  "view.js",
  "voucher-panel.js",
  "voucher-dialog.js",
  "voucher-form.js",
  "voucher-page.js",
  "edit-dialog.js",
  "term.js",
  "draft.js",
  "report-panel.js",
  "money-panel.js",
  "chart.js",
];
/** The page loads it when a user opens the first QR code. */
const QR_MODULE = "qr.js";

export interface AdminAssets {
  /** One version for all files, because the modules import each other by relative paths. */
  version: string;
  stylePath: string;
  mainPath: string;
  modulePaths: string[];
  style(version: string): string | undefined;
  module(version: string, file: string): string | undefined;
}

/**
 * Removes comments and indentation, which are a third of the bytes. A comment begins its line, and no string of a module
 * spans lines, so neither can be part of a string.
 */
function withoutComments(source: string): string {
  return source
    .replace(/^\s*\/\*\*(?:(?!\*\/).)*\*\/\n/gms, "")
    .replace(/^\s*\/\/ .*\n/gm, "")
    .replace(/^ +/gm, "");
}

/** The page's style sheet and modules, read once. Their paths contain the version, so they may be cached without limit. */
export function createAdminAssets(): AdminAssets {
  const style = readStyle("base.css") + readStyle("admin.css");
  const modules = new Map(MODULES.map((name) => [name, withoutComments(readPart(`admin/${name}`))]));
  modules.set(QR_MODULE, readFileSync(fileURLToPath(import.meta.resolve("uqr")), "utf8"));
  const hash = createHash("sha256").update(style);
  for (const [name, source] of modules) hash.update(`\0${name}\0${source}`);
  const version = hash.digest("hex").slice(0, 16);
  const pathOf = (name: string) => `/admin/script/${version}/${name}`;
  return {
    version,
    stylePath: `/admin/style/${version}/admin.css`,
    mainPath: pathOf("main.js"),
    modulePaths: MODULES.filter((name) => name !== "main.js").map(pathOf),
    style: (asked) => (asked === version ? style : undefined),
    module: (asked, file) => (asked === version ? modules.get(file) : undefined),
  };
}

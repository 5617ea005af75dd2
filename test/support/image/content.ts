import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

type Instruction = [name: string, text: string];

/** The Dockerfile's instructions, one list for each stage. */
const STAGES: Instruction[][] = read("Dockerfile")
  .replaceAll("\\\n", " ")
  .split(/^(?=FROM )/m)
  .slice(1)
  .map((stage) => [...stage.matchAll(/^([A-Z]+) (.+)$/gm)].map(([, name = "", text = ""]) => [name, text]));
/** The program and the arguments that the image starts with. */
export const ENTRYPOINT = JSON.parse(
  STAGES.at(-1)?.find(([name]) => name === "ENTRYPOINT")?.[1] ?? "[]",
) as string[];

const IGNORE_LINES = read(".dockerignore")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));
/**
 * The paths of the build context, and the paths within them that it leaves out: plain paths. The first line leaves
 * everything out.
 */
export const CONTEXT = {
  first: IGNORE_LINES[0],
  allowed: IGNORE_LINES.filter((line) => line.startsWith("!")).map((line) => line.slice(1)),
  leftOut: IGNORE_LINES.slice(1).filter((line) => !line.startsWith("!")),
};

/** Whether the path is one of the folders, or below one. */
export const isWithin = (folders: readonly string[], path: string) =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

export interface ImageContent {
  /** The folder that is /app in the image. */
  app: string;
  /** The paths that the Dockerfile copies from the build context, in all stages. */
  copied: string[];
  /** npm's list of what `npm ci` installed: each package by its folder. */
  installed: Record<string, { hasInstallScript?: boolean }>;
  remove(): void;
}

/** Runs the Dockerfile's instructions in folders of this machine: the files of the image without Docker and without root. */
export function createImageContent(): ImageContent {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-image-"));
  const content: ImageContent = {
    app: join(folder, String(STAGES.length - 1)),
    copied: [],
    installed: {},
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  // The Dockerfile runs `node`, so this checkout's Node comes first in PATH.
  const env = { ...process.env, PATH: `${join(ROOT, "node_modules/.bin")}:${process.env.PATH}` };
  for (const [number, stage] of STAGES.entries()) {
    const cwd = join(folder, String(number));
    mkdirSync(cwd);
    for (const [name, text] of stage) {
      if (name === "RUN") {
        execFileSync("sh", ["-c", text.startsWith("npm ci ") ? `${text} --prefer-offline` : text], {
          cwd,
          env,
          stdio: ["ignore", "ignore", "pipe"],
        });
        const list = join(cwd, "node_modules/.package-lock.json");
        if (existsSync(list)) content.installed = JSON.parse(readFileSync(list, "utf8")).packages;
      }
      if (name === "COPY") copy(text, cwd, folder, content.copied);
    }
  }
  return content;
}

/** Runs `COPY [--from=dependencies] SOURCE… TARGET`. Only the first stage can be copied from. */
function copy(text: string, cwd: string, folder: string, copied: string[]): void {
  const words = text.split(" ");
  const isFromStage = words[0]?.startsWith("--from=") ?? false;
  const paths = isFromStage ? words.slice(1) : words;
  const target = paths.pop() ?? "";
  for (const path of paths) {
    const source = isFromStage ? join(folder, "0", path.replace(/^\/app\//, "")) : join(ROOT, path);
    if (!isFromStage) copied.push(path);
    const to = join(cwd, target.endsWith("/") ? join(target, basename(path)) : target);
    mkdirSync(dirname(to), { recursive: true });
    // Copies a link as Docker does. Otherwise it would point into the checkout.
    cpSync(source, to, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (file) => isFromStage || !isWithin(CONTEXT.leftOut, relative(ROOT, file)),
    });
  }
}

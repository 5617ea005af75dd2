import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { convert } from "ast-v8-to-istanbul";
import { parseAst } from "vitest/node";
import type { FileCoverage } from "./branch.ts";

interface ScriptCoverage {
  scriptId: string;
  url: string;
  functions: { functionName: string; isBlockCoverage: boolean; ranges: Range[] }[];
}

interface Range {
  startOffset: number;
  endOffset: number;
  count: number;
}

/**
 * What ran of the files below `sourceFolder` in processes that were started with `NODE_V8_COVERAGE=dumpFolder` and came to an
 * end of their own: one record for each file and process. Stripping types leaves every offset where it was.
 */
export async function readProcessCoverage(dumpFolder: string, sourceFolder: string): Promise<FileCoverage[]> {
  const prefix = pathToFileURL(join(sourceFolder, "/")).href;
  const parsed = new Map<string, { code: string; ast: ReturnType<typeof parseAst> }>();
  const parse = (path: string) => {
    const known = parsed.get(path);
    if (known !== undefined) return known;
    const code = stripTypeScriptTypes(readFileSync(path, "utf8"));
    const entry = { code, ast: parseAst(code) };
    parsed.set(path, entry);
    return entry;
  };

  const found: FileCoverage[] = [];
  for (const dump of readdirSync(dumpFolder)) {
    const { result } = JSON.parse(readFileSync(join(dumpFolder, dump), "utf8")) as {
      result: ScriptCoverage[];
    };
    for (const coverage of result.filter(({ url }) => url.startsWith(prefix))) {
      const { code, ast } = parse(new URL(coverage.url).pathname);
      found.push(...Object.values(await convert({ code, ast, coverage, wrapperLength: 0 })));
    }
  }
  return found;
}

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const ACTIONLINT = join(process.env.KUBEBUILDER_ASSETS ?? "", "actionlint");
const FOLDER = join(import.meta.dirname, "../../.github/workflows");
const FILES = readdirSync(FOLDER);

interface Step {
  uses?: string;
  with?: Record<string, unknown>;
}
interface Workflow {
  permissions: unknown;
  jobs: Record<
    string,
    { uses?: string; permissions?: Record<string, string>; container?: { image: string }; steps?: Step[] }
  >;
}
const jobsOf = (file: string) =>
  Object.entries((parse(readFileSync(join(FOLDER, file), "utf8")) as Workflow).jobs);

describe.each(FILES)("the workflow %s", (file) => {
  it("passes actionlint", () => {
    // These checks of shell and Python scripts need other programs.
    const options = ["-shellcheck=", "-pyflakes=", "-no-color"];
    expect(() =>
      execFileSync(ACTIONLINT, [...options, join(FOLDER, file)], { encoding: "utf8" }),
    ).not.toThrow();
  });

  it("pins each action by its commit, with the version beside it, and each container by its digest", () => {
    const text = readFileSync(join(FOLDER, file), "utf8");
    const uses = [...text.matchAll(/uses: (\S+)(.*)/g)].map(
      ([, action = "", comment]) => [action, comment] as const,
    );
    const loose = uses.filter(
      ([action, comment]) =>
        !action.startsWith("./") &&
        !(/@[0-9a-f]{40}$/.test(action) && /^ # v\d+\.\d+\.\d+$/.test(comment ?? "")),
    );
    expect(loose).toEqual([]);
    const images = jobsOf(file).flatMap(([, { container }]) => container?.image ?? []);
    expect(images.filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image))).toEqual([]);
  });

  it("gives no permission to all jobs, and keeps no token in a checkout", () => {
    const { permissions } = parse(readFileSync(join(FOLDER, file), "utf8")) as Workflow;
    expect(permissions).toEqual({});
    const checkouts = jobsOf(file).flatMap(([, { steps }]) =>
      (steps ?? []).filter(({ uses }) => uses?.startsWith("actions/checkout@")),
    );
    expect(checkouts.length).toBeGreaterThan(0);
    for (const { with: settings } of checkouts) expect(settings).toEqual({ "persist-credentials": false });
  });
});

describe("the workflows", () => {
  it("give each job only the permissions that it needs", () => {
    const rights = FILES.flatMap((file) =>
      jobsOf(file).map(([job, { permissions }]) => [`${file} ${job}`, permissions]),
    );
    expect(Object.fromEntries(rights)).toEqual({
      "ci.yml run": { contents: "read" },
      "release.yml ci": { contents: "read" },
      "release.yml image": {
        ...{ contents: "read", packages: "write" },
        ...{ "id-token": "write", attestations: "write" },
      },
      "release.yml chart": { contents: "read", packages: "write", "id-token": "write" },
      "release.yml release": { contents: "write", packages: "read" },
    });
  });

  it("package the chart once, so that the release has the file that was signed", () => {
    const text = FILES.map((file) => readFileSync(join(FOLDER, file), "utf8")).join("\n");
    expect(text.match(/helm package/g)).toHaveLength(1);
    expect(text.match(/helm pull "oci:\/\/\$CHARTS\/catalyst-operator"/g)).toHaveLength(1);
  });

  it("use one version of each action", () => {
    const text = FILES.map((file) => readFileSync(join(FOLDER, file), "utf8")).join("\n");
    const actions = new Set([...text.matchAll(/uses: ([^.\s]\S+)/g)].map(([, action = ""]) => action));
    const names = [...actions].map((action) => action.split("@")[0]);
    expect(names).toEqual([...new Set(names)]);
  });
});

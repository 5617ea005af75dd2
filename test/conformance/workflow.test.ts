import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const ACTIONLINT = join(process.env.KUBEBUILDER_ASSETS ?? "", "actionlint");
const FOLDER = join(import.meta.dirname, "../../.github/workflows");
const FILES = readdirSync(FOLDER);

interface Step {
  uses?: string;
  name?: string;
  run?: string;
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

describe("the first job of a release", () => {
  const steps = Object.fromEntries(jobsOf("release.yml")).check?.steps ?? [];
  /** Runs the script of a step as the runner does, and returns what it writes. */
  function runStep(name: string, env: Record<string, string>): string {
    const script = steps.find((step) => step.name?.startsWith(name))?.run ?? "exit 99";
    const output = join(mkdtempSync(join(tmpdir(), "catalyst-workflow-")), "output");
    writeFileSync(output, "");
    const { stdout } = spawnSync("bash", ["-e", "-c", script], {
      cwd: join(FOLDER, "../.."),
      env: { PATH: process.env.PATH, GITHUB_OUTPUT: output, ...env },
      encoding: "utf8",
    });
    return stdout + readFileSync(output, "utf8");
  }

  it("accepts the tag of the present version, and names what another tag differs from", () => {
    const { version } = JSON.parse(readFileSync(join(FOLDER, "../../package.json"), "utf8"));
    expect(runStep("Compare", { GITHUB_REF_NAME: `v${version}` })).toBe("");
    expect(runStep("Compare", { GITHUB_REF_NAME: "v99.0.0" })).toBe(
      `::error::the version in package.json is ${version}, and the tag says 99.0.0\n`,
    );
  });

  it("names image and charts without capital letters, and says that the registry is missing", () => {
    const repository = { GITHUB_REPOSITORY: "Open/Catalyst" };
    expect(runStep("Name", { ...repository, REGISTRY: "registry.example" })).toBe(
      "image=registry.example/open/catalyst/catalyst\ncharts=registry.example/open/catalyst/charts\n",
    );
    expect(runStep("Name", { ...repository, REGISTRY: "" })).toContain(
      "::error::set the repository's variable REGISTRY",
    );
  });
});

describe("the workflows", () => {
  it("give each job only the permissions that it needs", () => {
    const rights = FILES.flatMap((file) =>
      jobsOf(file).map(([job, { permissions }]) => [`${file} ${job}`, permissions]),
    );
    expect(Object.fromEntries(rights)).toEqual({
      "ci.yml run": { contents: "read" },
      "release.yml check": { contents: "read" },
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

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InstallFacts } from "../../../../src/admission/rules/environment-policy.ts";
import type { Install } from "../../../../src/admission/rules/install.ts";
import {
  A,
  APPROVAL,
  B,
  found,
  fresh,
  HOUR,
  installs,
  isAllowed,
  known,
  NOW,
  SCORE,
  SOAK,
  WINDOW,
  written,
} from "../../../support/builder/environment-rule.ts";

describe("a change-window", () => {
  it("allows an install while it is open", () =>
    expect(found(WINDOW, installs.workload(A), known(), Date.parse("2026-11-29T18:00:00Z"))).toEqual([]));

  it("says when it opens next", () =>
    expect(found(WINDOW, installs.workload(A, B))).toEqual([
      [
        "environment-window",
        "spec.containers[0].image",
        "the change window of EnvironmentPolicy live is closed; install after it opens at 2026-11-29T18:00:00.000Z for 4h ('0 22 * * sun-thu', Asia/Muscat), or ask the platform team for an exception",
      ],
    ]));

  it("denies a HelmRelease at its changed field", () =>
    expect(found(WINDOW, installs.release).map(([, path]) => path)).toEqual(["spec.values.image"]));

  it("denies when it can never open", () =>
    expect(
      found({ "change-window": { cron: "x", duration: "0s", timeZone: "UTC" } }, installs.chart),
    ).toEqual([
      [
        "environment-window",
        "spec.ref.digest",
        "the change window of EnvironmentPolicy live never opens, because its cron and duration cannot be used; ask the platform team to correct it",
      ],
    ]));
});

describe("a pr-required rule", () => {
  const remedy =
    "ask the pipeline to write name@sha256:<64 hex> in annotation catalyst.openova.io/approved-by, with the digest of each artifact, before the install or with it";
  const denial = (count: number, note = "", help = remedy) => [
    [
      "environment-approval",
      "metadata.annotations[catalyst.openova.io/approved-by]",
      `EnvironmentPolicy live asks for approvals by 2 of its approvers, and ${count} count for this install${note}; ${help}`,
    ],
  ];
  const STALE = " (the annotation is not about the artifacts of this install)";
  const OTHERS = " (it names none of them)";

  it.each<[string, Install, Partial<InstallFacts>]>([
    ["enough fresh names", installs.workload(A), fresh({ approvedBy: "amal,badr" })],
    ["more than enough", installs.workload(A), fresh({ approvedBy: "amal, badr, chaya, someone" })],
    ["earlier names with the digest", installs.chart, written({ approvedBy: `amal@${A},badr@${A}` })],
    [
      "names with each digest",
      installs.workload(A, B),
      written({ approvedBy: `amal@${A},badr@${A},amal@${B},chaya@${B}` }),
    ],
    ["fresh names of a HelmRelease", installs.release, fresh({ approvedBy: "amal,badr" })],
    ["fresh names with the chart's digest", installs.release, fresh({ approvedBy: `amal@${A},badr@${A}` })],
  ])("counts %s", (_, install, facts) => expect(found(APPROVAL, install, known(facts))).toEqual([]));

  it.each<[string, Install, Partial<InstallFacts>, unknown[]]>([
    ["nothing", installs.workload(A), {}, denial(0)],
    ["one name twice", installs.workload(A), fresh({ approvedBy: `amal,amal,amal@${A}` }), denial(1)],
    [
      "names that the policy does not list",
      installs.workload(A),
      fresh({ approvedBy: "eve,mal" }),
      denial(0, OTHERS),
    ],
    ["names in another case", installs.workload(A), fresh({ approvedBy: "Amal,BADR" }), denial(0, OTHERS)],
    [
      "names of an earlier install",
      installs.workload(A),
      written({ approvedBy: "amal,badr" }),
      denial(0, STALE),
    ],
    [
      "names with another digest",
      installs.workload(B),
      written({ approvedBy: `amal@${A},badr@${A}` }),
      denial(0, STALE),
    ],
    [
      "fresh names with another digest",
      installs.workload(B),
      fresh({ approvedBy: `amal@${A},badr@${A}` }),
      denial(0, STALE),
    ],
    [
      "names for one of two images",
      installs.workload(A, B),
      written({ approvedBy: `amal@${A},badr@${A},amal@${B}` }),
      denial(1),
    ],
    [
      "earlier names of a HelmRelease with its chart's digest, because its values may differ",
      installs.release,
      written({ approvedBy: `amal@${A},badr@${A}` }),
      denial(
        0,
        STALE,
        "ask the pipeline to install the HelmRelease and to write annotation catalyst.openova.io/approved-by in the same request",
      ),
    ],
    [
      "names with a digest of a chart that does not exist",
      installs.release,
      { ...fresh({ approvedBy: `amal@${A},badr@${A}` }), chartDigest: undefined },
      denial(
        0,
        STALE,
        "ask the pipeline to install the HelmRelease and to write annotation catalyst.openova.io/approved-by in the same request",
      ),
    ],
  ])("does not count %s", (_, install, facts, expected) =>
    expect(found(APPROVAL, install, known(facts))).toEqual(expected),
  );

  it("never counts evidence that was there before for a digest that it does not name", () => {
    const names = fc.constantFrom("amal", "badr", "chaya");
    const entries = fc.array(
      fc.oneof(
        names,
        names.map((name) => `${name}@${B}`),
        fc.string(),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        entries,
        fc.constantFrom(installs.workload(A), installs.chart, installs.release),
        (list, install) => {
          expect(isAllowed(APPROVAL, install, known(written({ approvedBy: list.join(",") })))).toBe(false);
        },
      ),
    );
  });
});

describe("a re-score-gate", () => {
  const denial = (text: string) => [
    [
      "environment-score",
      "metadata.annotations[catalyst.openova.io/score]",
      `EnvironmentPolicy live asks for a score of at least 80 for this install, and ${text}; ask the pipeline to write <0 to 100>@sha256:<64 hex> in annotation catalyst.openova.io/score, with the digest of each artifact, before the install or with it`,
    ],
  ];
  const STALE = "none counts (the annotation is not about the artifacts of this install)";
  const INVALID = "none counts (an entry is no number from 0 to 100)";

  it.each<[string, Install, Partial<InstallFacts>]>([
    ["the minimum", installs.workload(A), fresh({ score: "80" })],
    ["the maximum", installs.chart, fresh({ score: "100" })],
    ["an earlier score of the digest", installs.workload(A), written({ score: `90@${A},10@${B}` })],
    ["a score of each digest", installs.workload(A, B), written({ score: `90@${A},85@${B}` })],
  ])("accepts %s", (_, install, facts) => expect(found(SCORE, install, known(facts))).toEqual([]));

  it.each<[string, Install, Partial<InstallFacts>, unknown[]]>([
    ["no score", installs.workload(A), {}, denial("none counts")],
    ["one below", installs.workload(A), fresh({ score: "79" }), denial("it has 79")],
    ["the lower of two", installs.workload(A), fresh({ score: "90,70" }), denial("it has 70")],
    ["what is no score", installs.workload(A), fresh({ score: "90,very good" }), denial(INVALID)],
    ["what is above 100", installs.workload(A), fresh({ score: "1000" }), denial(INVALID)],
    ["the score of an earlier install", installs.workload(A), written({ score: "95" }), denial(STALE)],
    ["the score of another digest", installs.workload(A), written({ score: `95@${B}` }), denial(STALE)],
    ["a score of one of two images", installs.workload(A, B), written({ score: `95@${A}` }), denial(STALE)],
    [
      "a low one of two images",
      installs.workload(A, B),
      written({ score: `95@${A},20@${B}` }),
      denial("it has 20"),
    ],
  ])("refuses %s", (_, install, facts, expected) =>
    expect(found(SCORE, install, known(facts))).toEqual(expected),
  );
});

describe("a soak rule", () => {
  const since = (ms: number | undefined, only = "acme-stg"): Partial<InstallFacts> => ({
    runningSinceMs: (namespace, it) => (namespace === only && it === A ? ms : undefined),
  });
  const denial = (path: string, text: string, where = "acme-stg") => [
    "environment-soak",
    path,
    `EnvironmentPolicy live asks for 24h in ${where} without a break, and ${text}, or ask the platform team for an exception`,
  ];
  const unseen = (it: string) => `the operator has not seen ${it} run there; let it run there first`;

  it.each<[string, Install]>([
    ["workload", installs.workload(A)],
    ["chart", installs.chart],
    ["release", installs.release],
  ])("allows a %s whose digest has run long enough", (_, install) =>
    expect(found(SOAK, install, known(since(NOW - 24 * HOUR)))).toEqual([]),
  );

  it("says when it will have run long enough", () =>
    expect(found(SOAK, installs.workload(A), known(since(NOW - 24 * HOUR + 1)))).toEqual([
      denial(
        "spec.containers[0].image",
        `${A} has run there since 2026-11-28T12:00:00.001Z; install it after 2026-11-29T12:00:00.001Z`,
      ),
    ]));

  it("names each digest that has not run there", () =>
    expect(found(SOAK, installs.workload(B, A), known(since(NOW - 48 * HOUR)))).toEqual([
      denial("spec.containers[0].image", unseen(B)),
    ]));

  it("looks in the environment that the rule names in full", () =>
    expect(
      found({ soak: { from: "acme-uat", duration: "24h" } }, installs.chart, known(since(0, "acme-uat"))),
    ).toEqual([]));

  it("does not name another Organization's environment", () =>
    expect(found({ soak: { from: "acme-west-stg", duration: "24h" } }, installs.chart)).toEqual([
      denial("spec.ref.digest", unseen(A), "the environment that it names"),
    ]));

  it("asks for the OCIRepository of a HelmRelease first", () =>
    expect(found(SOAK, installs.release, known({ chartDigest: undefined }))).toEqual([
      denial("spec.chartRef", "OCIRepository shop does not exist; create it first"),
    ]));
});

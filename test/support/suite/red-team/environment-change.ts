import { type Attempt, apply, jsonPatch, mergePatch, type Request, strategicPatch } from "./attempt.ts";
import { OTHER_IMAGE } from "./environment-seed.ts";
import { deployment } from "./object.ts";

type Expected = Attempt["expected"];

/** The rules that deny an install without evidence. */
export const EVIDENCE: Expected = ["environment-approval", "environment-score"];

/** The environments whose policies deny, and the rules of each. */
export const ENVIRONMENTS: readonly [at: string, expected: Expected][] = [
  ["acme-stg", EVIDENCE],
  ["acme-uat", "environment-window"],
  ["acme-dev", "environment-soak"],
];

export const containers = [{ name: "app", image: OTHER_IMAGE }];

/** Ways to change the image of a Deployment. */
export const CHANGES: readonly [string, (path: string, name: string) => Request][] = [
  [
    "by strategic merge patch",
    (path) => strategicPatch(path, { spec: { template: { spec: { containers } } } }),
  ],
  ["by merge patch", (path) => mergePatch(path, { spec: { template: { spec: { containers } } } })],
  [
    "by JSON patch",
    (path) =>
      jsonPatch(path, [
        { op: "replace", path: "/spec/template/spec/containers/0/image", value: OTHER_IMAGE },
      ]),
  ],
  ["by server-side apply", (path, name) => apply(path, deployment(name, OTHER_IMAGE))],
  [
    "while it scales",
    (path) => strategicPatch(path, { spec: { replicas: 5, template: { spec: { containers } } } }),
  ],
];

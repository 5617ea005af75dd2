import { type Attempt, core, group, on, onReal, raw } from "./attempt.ts";
import { HOMES } from "./destination.ts";
import { SIGNED, TAGGED } from "./object.ts";

const ISOLATION = "pod-isolation";
const DIGEST = "image-digest";

const head = '"apiVersion":"v1","kind":"Pod","metadata":{"name":"raw"}';
const podText = (spec: string) => `{${head},"spec":${spec}}`;
const container = (image: string, more = "") => `{"name":"app","image":"${image}"${more}}`;
const containers = (...texts: string[]) => `"containers":[${texts.join(",")}]`;
const yamlPod = (...lines: string[]) =>
  ["apiVersion: v1", "kind: Pod", "metadata: {name: raw}", ...lines].join("\n");

/** Bodies that the API server and the webhook could read differently. Of a member that comes twice, the last one counts. */
const BODIES: readonly [
  title: string,
  type: string,
  text: string,
  expected: Attempt["expected"],
  only?: "real",
][] = [
  [
    "an image that comes twice",
    "json",
    podText(`{${containers(container(SIGNED, `,"image":"${TAGGED}"`))}}`),
    DIGEST,
  ],
  [
    "containers that come twice",
    "json",
    podText(`{${containers(container(SIGNED))},${containers(container(TAGGED))}}`),
    DIGEST,
  ],
  [
    "a member with an escape in its name",
    "json",
    podText(`{"host\\u0050ID":true,${containers(container(SIGNED))}}`),
    ISOLATION,
  ],
  [
    "an image with an escape in its name",
    "json",
    podText(`{"containers":[{"name":"app","im\\u0061ge":"${TAGGED}"}]}`),
    DIGEST,
  ],
  // A kube-apiserver joins both into one object, and expands merge keys. The embedded one does neither.
  [
    "a specification that comes twice",
    "json",
    podText(`{"hostPID":true,${containers(container(SIGNED))}},"spec":{"hostIPC":true}`),
    ISOLATION,
    "real",
  ],
  [
    "an alias in YAML",
    "yaml",
    yamlPod(
      "spec:",
      `  initContainers: [{name: first, image: &it "${TAGGED}"}]`,
      "  containers: [{name: app, image: *it }]",
    ),
    DIGEST,
  ],
  [
    "a merge key in YAML",
    "yaml",
    yamlPod(
      `x: &it {name: app, image: "${TAGGED}"}`,
      "spec:",
      "  containers:",
      "  - {<<: *it, imagePullPolicy: Always}",
    ),
    DIGEST,
    "real",
  ],
  [
    "a host's namespace by a merge key in YAML",
    "yaml",
    yamlPod(
      "x: &it {hostPID: true}",
      "spec:",
      "  <<: *it",
      `  containers: [{name: app, image: "${SIGNED}"}]`,
    ),
    ISOLATION,
    "real",
  ],
];

const DEPLOYMENT = "deployments/app";
const TEMPLATE = "/spec/template/spec";

/** The same by the four kinds of patches. */
const PATCHES: readonly [title: string, type: string, text: string, expected: Attempt["expected"]][] = [
  [
    "a JSON patch with an operation that has its value twice",
    "json-patch+json",
    `[{"op":"replace","path":"${TEMPLATE}/containers/0/image","value":"${SIGNED}","value":"${TAGGED}"}]`,
    DIGEST,
  ],
  [
    "a JSON patch with an escape in its path",
    "json-patch+json",
    `[{"op":"add","path":"${TEMPLATE}/host\\u0050ID","value":true}]`,
    ISOLATION,
  ],
  [
    "a JSON patch that copies an image from a label",
    "json-patch+json",
    `[{"op":"add","path":"/metadata/annotations","value":{"x":"${TAGGED}"}},{"op":"copy","from":"/metadata/annotations/x","path":"${TEMPLATE}/containers/0/image"}]`,
    DIGEST,
  ],
  [
    "a merge patch with a member that comes twice",
    "merge-patch+json",
    `{"spec":{"template":{"spec":{"hostPID":false,"hostPID":true}}}}`,
    ISOLATION,
  ],
  [
    "a strategic merge patch with an escape in a name",
    "strategic-merge-patch+json",
    `{"spec":{"template":{"spec":{"h\\u006fstIPC":true}}}}`,
    ISOLATION,
  ],
];

const applied = (name: string, ...template: string[]) =>
  [
    "apiVersion: apps/v1",
    "kind: Deployment",
    `metadata: {name: ${name}}`,
    "spec:",
    "  selector: {matchLabels: {app: raw}}",
    "  template:",
    "    metadata: {labels: {app: raw}}",
    "    spec:",
    ...template.map((line) => `      ${line}`),
  ].join("\n");

export const RAW_ATTEMPTS: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...BODIES.map(([title, type, text, expected, only]) =>
    (only === "real" ? onReal : on)(
      `creates a Pod with ${title} in ${at}`,
      by,
      raw("POST", type, core(at, "pods"), text),
      expected,
    ),
  ),
  ...PATCHES.map(([title, type, text, expected]) =>
    on(
      `changes a Deployment by ${title} in ${at}`,
      by,
      raw("PATCH", type, group("apps/v1", at, DEPLOYMENT), text),
      expected,
    ),
  ),
  on(
    `applies a Deployment with an alias in YAML in ${at}`,
    by,
    raw(
      "PATCH",
      "apply-patch+yaml",
      `${group("apps/v1", at, "deployments/raw")}?fieldManager=red-team&force=true`,
      applied(
        "raw",
        `initContainers: [{name: first, image: &it "${TAGGED}"}]`,
        "containers: [{name: app, image: *it }]",
      ),
    ),
    DIGEST,
  ),
]);

export const ALLOWED_RAW: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  on(
    `creates a Pod with an image of which the last text counts in ${at}`,
    by,
    raw(
      "POST",
      "json",
      core(at, "pods"),
      podText(`{${containers(container(TAGGED, `,"image":"${SIGNED}"`))}}`),
    ),
    "allowed",
  ),
  on(
    `applies a Deployment from YAML with comments and text over several lines in ${at}`,
    by,
    raw(
      "PATCH",
      "apply-patch+yaml",
      `${group("apps/v1", at, "deployments/plain")}?fieldManager=red-team&force=true`,
      applied("plain", "# the web server", "containers:", "- name: app", `  image: >-`, `    ${SIGNED}`),
    ),
    "allowed",
  ),
]);

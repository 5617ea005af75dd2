import { describe, expect, it } from "vitest";
import {
  CLUSTER,
  creation,
  type Denial,
  deletion,
  expected,
  facts,
  GROUP,
  request,
  violationsOf,
} from "../../../support/builder/admission-request.ts";

const KIND = { resource: "namespaces", namespace: "shop", name: "shop" };
const label = (name: string) => `${GROUP}/${name}`;
const labelled = (labels: Record<string, string>) => ({ metadata: { labels } });
const known = facts({ place: CLUSTER, organizations: new Set(["acme"]) });
const reserved = (name: string, owner: string) =>
  [
    "namespace-reserved",
    "metadata.name",
    `the name ${name} is reserved for ${owner}; choose another`,
  ] as const;
const guarded = (name: string) =>
  [
    "namespace-guarded",
    `namespaces/${name}`,
    `only the platform changes or deletes Namespace ${name}; leave it unchanged, or ask the platform team`,
  ] as const;
const part = (path: string) =>
  [
    "namespace-guarded",
    `namespaces/shop/${path}`,
    `only the platform writes ${path} of a Namespace; delete its objects and let Kubernetes finish`,
  ] as const;

describe("the rule for Namespaces", () => {
  it.each<Denial>([
    [
      "an Organization's name",
      creation({ ...KIND, name: "org-x" }),
      known,
      [...reserved("org-x", "Organizations (org-*)")],
    ],
    [
      "an environment's name",
      creation({ ...KIND, name: "acme-prod" }),
      known,
      [...reserved("acme-prod", "environments of Organizations (<organization>-<environment>)")],
    ],
    [
      "a name that the server draws",
      creation({ ...KIND, name: "", object: { metadata: { generateName: "sovereign-" } as object } }),
      known,
      [...reserved("sovereign-", "Sovereigns (sovereign-*)")],
    ],
    [
      "a name that only the object has",
      creation({ ...KIND, name: "", object: { metadata: { name: "velero" } } }),
      known,
      [...reserved("velero", "the platform's list of namespaces")],
    ],
    [
      "a platform label on a new one",
      creation({ ...KIND, object: labelled({ [label("environment")]: "dev" }) }),
      known,
      [
        "platform-label",
        `metadata.labels[${label("environment")}]`,
        `only the platform writes the label ${label("environment")}; remove it`,
      ],
    ],
    [
      "a platform label on an ordinary one",
      request({ ...KIND, oldObject: labelled({ a: "b" }), object: labelled({ [label("sovereign")]: "x" }) }),
      known,
      [
        "platform-label",
        `metadata.labels[${label("sovereign")}]`,
        `only the platform writes the label ${label("sovereign")}; remove it`,
      ],
    ],
    [
      "an annotation on an Organization's",
      request({ ...KIND, oldObject: labelled({ [label("organization")]: "acme" }) }),
      known,
      [...guarded("shop")],
    ],
    [
      "deleting a Sovereign's",
      deletion({ ...KIND, oldObject: labelled({ [label("sovereign")]: "x" }) }),
      known,
      [...guarded("shop")],
    ],
    [
      "a label by which its Pods use devices of others",
      creation({ ...KIND, object: labelled({ "resource.kubernetes.io/admin-access": "true" }) }),
      known,
      [
        "platform-label",
        "metadata.labels[resource.kubernetes.io/admin-access]",
        "only the platform writes the label resource.kubernetes.io/admin-access; remove it",
      ],
    ],
    [
      "deleting the operator's",
      deletion({ ...KIND, name: "catalyst-system", oldObject: labelled({}) }),
      known,
      [...guarded("catalyst-system")],
    ],
    ["its finalizers", request({ ...KIND, subresource: "finalize" }), known, [...part("finalize")]],
    ["its status", request({ ...KIND, subresource: "status" }), known, [...part("status")]],
  ])("denies %s", (_, input, given, ...violations) =>
    expect(violationsOf(input, given)).toEqual(expected(violations)),
  );

  it.each([
    ["a new ordinary one", creation({ ...KIND, object: labelled({ team: "a" }) })],
    ["one that only ends like an environment", creation({ ...KIND, name: "web-prod" })],
    [
      "an update of an ordinary one",
      request({ ...KIND, oldObject: labelled({}), object: labelled({ a: "b" }) }),
    ],
    ["deleting an ordinary one", deletion({ ...KIND, oldObject: labelled({ a: "b" }) })],
  ])("allows %s", (_, input) => expect(violationsOf(input, known)).toEqual([]));
});

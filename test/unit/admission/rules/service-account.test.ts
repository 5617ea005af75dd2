import { describe, expect, it } from "vitest";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import {
  creation,
  type Denial,
  expected,
  facts,
  request,
  violationsOf,
} from "../../../support/builder/admission-request.ts";
import { IMAGE } from "../../../support/builder/catalyst-object.ts";

const accounts = (connectedAccount?: string, foreignAccounts = new Set(["seller", "default"])) =>
  facts({ foreignAccounts, connectedAccount });
const connect = (subresource: string, change: Partial<AdmissionInput> = {}) =>
  creation({ operation: "CONNECT", resource: "pods", name: "web-0", subresource, object: {}, ...change });
const RUNS_AS_IT =
  "Pod web-0 runs as a ServiceAccount that acts for a Franchisee or an Organization that you do not belong to; use a Pod that runs as another account";
const acts = (account: string) =>
  `ServiceAccount ${account} acts for a Franchisee or an Organization that you do not belong to; use another account`;
const RULE = "service-account-identity";
const source = (serviceAccountName?: unknown) => ({
  url: `oci://registry.test/shop`,
  ref: { digest: `sha256:${"a".repeat(64)}` },
  ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
});
const ociRepository = (spec: object) =>
  creation({ group: "source.toolkit.fluxcd.io", resource: "ocirepositories", object: { spec } });

describe("the rule for accounts that act for others", () => {
  it.each<Denial>([
    [
      "a certificate of a Pod that runs as one",
      creation({
        ...{ group: "certificates.k8s.io", resource: "podcertificaterequests" },
        object: { spec: { serviceAccountName: "seller" } },
      }),
      accounts(),
      [RULE, "spec.serviceAccountName", acts("seller")],
    ],
    ...["exec", "attach", "portforward", "proxy"].map(
      (subresource): Denial => [
        `${subresource} of a Pod that runs as one`,
        connect(subresource),
        accounts("seller"),
        [RULE, `pods/web-0/${subresource}`, RUNS_AS_IT],
      ],
    ),
    [
      "a connection to a Pod that runs as the default account",
      connect("exec"),
      accounts("default"),
      [RULE, "pods/web-0/exec", RUNS_AS_IT],
    ],
    [
      "a connection to a Pod that does not exist",
      connect("exec"),
      accounts(undefined),
      [
        RULE,
        "pods/web-0/exec",
        "Pod web-0 does not exist, so it is not known as which ServiceAccount it runs; use the name of a Pod that exists",
      ],
    ],
    [
      "a connection where every account acts for others",
      connect("exec"),
      facts({ foreignAccounts: "*", connectedAccount: "web" }),
      [RULE, "pods/web-0/exec", RUNS_AS_IT],
    ],
    [
      "an ephemeral container in a Pod that runs as one",
      request({
        resource: "pods",
        subresource: "ephemeralcontainers",
        object: {
          spec: {
            serviceAccountName: "seller",
            ephemeralContainers: [{ name: "spy", image: IMAGE }],
            containers: [],
          },
        },
      }),
      accounts(),
      [RULE, "spec.serviceAccountName", acts("seller")],
    ],
    [
      "an OCIRepository that pulls as one",
      ociRepository(source("seller")),
      accounts(),
      [RULE, "spec.serviceAccountName", acts("seller")],
    ],
  ])("denies %s", (_, input, known, ...violations) =>
    expect(violationsOf(input, known)).toEqual(expected(violations)),
  );

  it.each<[string, AdmissionInput, ReturnType<typeof facts>]>([
    ["a connection to a Pod of another account", connect("exec"), accounts("web")],
    ["a connection where no account acts for others", connect("exec"), accounts("seller", new Set())],
    ["a connection to a Service", connect("proxy", { resource: "services" }), accounts(undefined)],
    ["an OCIRepository without an account", ociRepository(source()), accounts()],
    [
      "the status of a Pod that runs as one",
      request({
        resource: "pods",
        subresource: "status",
        object: { spec: { serviceAccountName: "seller", containers: [] } },
      }),
      accounts(),
    ],
  ])("allows %s", (_, input, known) => expect(violationsOf(input, known)).toEqual([]));
});

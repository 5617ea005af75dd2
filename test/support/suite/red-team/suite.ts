import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RULE_IDS } from "../../../../src/admission/rules/rule-id.ts";
import { ACCOUNT_ATTEMPTS, ALLOWED_ACCOUNT } from "./account-attempt.ts";
import { ADVISORY_ATTEMPTS, ALLOWED_ADVISORY } from "./advisory-attempt.ts";
import { ALERT_ATTEMPTS, ALLOWED_ALERT } from "./alert-attempt.ts";
import { ALLOWED_CHART } from "./allowed-chart.ts";
import { ALLOWED_COMPONENTS } from "./allowed-component.ts";
import { ALLOWED_CONTROLLER } from "./allowed-controller.ts";
import { ALLOWED_DESTINATION } from "./allowed-destination.ts";
import { ALLOWED_ENVIRONMENT } from "./allowed-environment.ts";
import { ALLOWED_FRANCHISEE } from "./allowed-franchisee.ts";
import { ALLOWED_MEMBER } from "./allowed-member.ts";
import { ALLOWED_NEIGHBOUR } from "./allowed-neighbour.ts";
import { ALLOWED_ORDINARY } from "./allowed-ordinary.ts";
import { ALLOWED_PRODUCT } from "./allowed-product.ts";
import { ALLOWED_ANNOTATION, ANNOTATION_ATTEMPTS } from "./annotation-attempt.ts";
import type { Attempt } from "./attempt.ts";
import { ALLOWED_BALANCER, BALANCER_ATTEMPTS } from "./balancer-attempt.ts";
import { BLUEPRINT_ATTEMPTS } from "./blueprint-attempt.ts";
import { ALLOWED_CALLED, CALLED_ATTEMPTS } from "./called-attempt.ts";
import { ALLOWED_CLAIM, CLAIM_ATTEMPTS } from "./claim-attempt.ts";
import { ALLOWED_CLASS, CLASS_ATTEMPTS } from "./class-attempt.ts";
import { type RedTeamCluster, startRedTeamCluster } from "./cluster.ts";
import { CLUSTER_ATTEMPTS } from "./cluster-attempt.ts";
import { denialOf, problemsOf } from "./denial-text.ts";
import { ALLOWED_DEPUTY, DEPUTY_ATTEMPTS } from "./deputy-attempt.ts";
import { DESTINATION_ATTEMPTS } from "./destination-attempt.ts";
import { ENVIRONMENT_ATTEMPTS } from "./environment-attempt.ts";
import { ENVIRONMENT_CONTROLLER_ATTEMPTS } from "./environment-controller-attempt.ts";
import { EVIDENCE_ATTEMPTS } from "./evidence-attempt.ts";
import { FIELD_OWNERSHIP_ATTEMPTS } from "./field-ownership-attempt.ts";
import { GATEWAY_ATTEMPTS } from "./gateway-attempt.ts";
import { HOST_ATTEMPTS } from "./host-attempt.ts";
import { IMAGE_ATTEMPTS } from "./image-attempt.ts";
import { INSTALL_ATTEMPTS } from "./install-attempt.ts";
import { MANAGED_OBJECT_ATTEMPTS } from "./managed-object-attempt.ts";
import { NAMESPACE_ATTEMPTS } from "./namespace-attempt.ts";
import { PLACE_ATTEMPTS } from "./place-attempt.ts";
import { POD_ATTEMPTS } from "./pod-attempt.ts";
import { POD_NETWORK_ATTEMPTS } from "./pod-network-attempt.ts";
import { PRODUCT_KIND_ATTEMPTS } from "./product-kind-attempt.ts";
import { PROXY_ATTEMPTS } from "./proxy-attempt.ts";
import { ALLOWED_RAW, RAW_ATTEMPTS } from "./raw-attempt.ts";
import type { Answer } from "./sender.ts";
import { SERVICE_ATTEMPTS } from "./service-attempt.ts";
import { SOVEREIGN_ATTEMPTS } from "./sovereign-attempt.ts";
import { TERMINATING_ATTEMPTS } from "./terminating-attempt.ts";
import { ALLOWED_VERSION, VERSION_ATTEMPTS } from "./version-attempt.ts";

const ALLOWED = [
  ...ALLOWED_FRANCHISEE,
  ...ALLOWED_MEMBER,
  ...ALLOWED_ENVIRONMENT,
  ...ALLOWED_ORDINARY,
  ...ALLOWED_PRODUCT,
  ...ALLOWED_COMPONENTS,
  ...ALLOWED_ACCOUNT,
  ...ALLOWED_VERSION,
  ...ALLOWED_ADVISORY,
  ...ALLOWED_DESTINATION,
  ...ALLOWED_BALANCER,
  ...ALLOWED_CLAIM,
  ...ALLOWED_NEIGHBOUR,
  ...ALLOWED_CONTROLLER,
  ...ALLOWED_ANNOTATION,
  ...ALLOWED_DEPUTY,
  ...ALLOWED_CLASS,
  ...ALLOWED_RAW,
  ...ALLOWED_CHART,
  ...ALLOWED_CALLED,
  ...ALLOWED_ALERT,
];
const ATTEMPTS = [
  ...PLACE_ATTEMPTS,
  ...CLUSTER_ATTEMPTS,
  ...NAMESPACE_ATTEMPTS,
  ...PRODUCT_KIND_ATTEMPTS,
  ...INSTALL_ATTEMPTS,
  ...IMAGE_ATTEMPTS,
  ...POD_ATTEMPTS,
  ...BLUEPRINT_ATTEMPTS,
  ...SOVEREIGN_ATTEMPTS,
  ...EVIDENCE_ATTEMPTS,
  ...MANAGED_OBJECT_ATTEMPTS,
  ...HOST_ATTEMPTS,
  ...SERVICE_ATTEMPTS,
  ...ACCOUNT_ATTEMPTS,
  ...ENVIRONMENT_ATTEMPTS,
  ...ENVIRONMENT_CONTROLLER_ATTEMPTS,
  ...VERSION_ATTEMPTS,
  ...ADVISORY_ATTEMPTS,
  ...DESTINATION_ATTEMPTS,
  ...BALANCER_ATTEMPTS,
  ...PROXY_ATTEMPTS,
  ...CLAIM_ATTEMPTS,
  ...GATEWAY_ATTEMPTS,
  ...POD_NETWORK_ATTEMPTS,
  ...FIELD_OWNERSHIP_ATTEMPTS,
  ...ANNOTATION_ATTEMPTS,
  ...DEPUTY_ATTEMPTS,
  ...CLASS_ATTEMPTS,
  ...RAW_ATTEMPTS,
  ...TERMINATING_ATTEMPTS,
  ...CALLED_ATTEMPTS,
  ...ALERT_ATTEMPTS,
];

/** The rules that the operator's webhook or native policy gave as reasons. */
const rulesOf = ({ message }: Answer): string[] =>
  RULE_IDS.filter((rule) => `; ${denialOf(message)}`.includes(`; ${rule}: `));

const titleOf = ({ by, title }: Attempt) => `${by} ${title}`;

/** Tries each attempt against the operator's webhook, on either control plane. */
export function describeRedTeam(kind: "embedded" | "real"): void {
  const rows = (attempts: readonly Attempt[]) =>
    attempts
      .filter(({ only }) => only === undefined || only === kind)
      .map((attempt) => [titleOf(attempt), attempt] as const);

  describe(`the ${kind} API server with the operator's webhook`, () => {
    let cluster: RedTeamCluster;
    beforeAll(async () => {
      cluster = await startRedTeamCluster(kind);
    });
    afterAll(async () => {
      await cluster?.close();
    });

    it("has attempts with titles of their own", () => {
      const titles = [...ATTEMPTS, ...ALLOWED].map(titleOf);
      expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([]);
    });

    describe("denies that", () => {
      it.each(rows(ATTEMPTS))("%s", async (_, { by, request, expected }) => {
        const answer = await cluster.send(by, request);
        expect({ status: answer.status, rules: rulesOf(answer) }, answer.message).toEqual({
          status: 403,
          rules: [expected].flat(),
        });
        expect(problemsOf(answer.message, by, request), answer.message).toEqual([]);
      });
    });

    describe("allows that", () => {
      it.each(rows(ALLOWED))("%s", async (_, { by, request, expected }) => {
        const answer = await cluster.send(by, request);
        if (expected === "connected") return expect(answer.message).not.toContain("webhook");
        expect(answer.status, answer.message).toBeLessThan(300);
      });
    });
  });
}

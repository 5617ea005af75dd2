import type { Blueprint } from "../../api/blueprint.ts";
import type { Franchise } from "../../api/franchise.ts";
import type { AccountFacts } from "./account.ts";
import type { Identity, IdentityLists } from "./identity.ts";
import type { Place } from "./place.ts";
import type { PolicyRule } from "./rbac-grant.ts";
import type { AdmissionInput, ReviewedObject } from "./request.ts";
import type { RuleId } from "./rule-id.ts";

/** Facts about the cluster, collected before the rules run. Rules themselves look nothing up. */
export interface ClusterFacts extends AccountFacts {
  identity: Identity;
  place: Place;
  /** Names of the Organizations of which the requester is a member. */
  memberOf: ReadonlySet<string>;
  /** Names of all Organizations. */
  organizations: Pick<ReadonlySet<string>, "has">;
  /** Private Blueprints in catalog-sovereign. */
  privateBlueprints: readonly Blueprint[];
  /** The rules of the role that a RoleBinding names. Undefined: not looked up, or there is no such role. */
  boundRules: readonly PolicyRule[] | undefined;
  /** The host names that Sovereigns serve, normalised, each with the name of its Sovereign. */
  sovereignHosts: ReadonlyMap<string, string>;
  /**
   * Addresses in guarded namespaces that are not the requester's, normalised: of load balancers of Services, and, for a
   * request that writes endpoints, of Services and Pods. Empty: not looked up, because the request asks for no address.
   */
  takenAddresses: Pick<ReadonlySet<string>, "has">;
  /** Whether a namespace is guarded, or its name reserved, and the requester does not work there. */
  isForeignNamespace(name: string): boolean;
  /** The OCIRepository that a HelmRelease names, read live; undefined for other requests, or when it does not exist. */
  chartSource: ReviewedObject | undefined;
  /** Franchises that may sign what the request installs: the requester's own, or that of the Organization's Sovereign. */
  signers: readonly Franchise[];
  lists: IdentityLists;
  /** CSI drivers whose inline volumes Pods may mount. */
  inlineDrivers: readonly string[];
}

/** One reason for a denial: the rule, the path of the field, and a text with the problem and the remedy. */
export interface Violation {
  rule: RuleId;
  path: string;
  message: string;
}

/** The outcome of a review. Without violations the request passes. */
export interface Verdict {
  violations: readonly Violation[];
  /** Shown to the requester, whether or not the request passes. */
  warnings: readonly string[];
  /** For the API server's audit log. A key has letters, digits and `-` only: the API server puts the webhook's name before it. */
  auditAnnotations: Readonly<Record<string, string>>;
}

export type Rule = (input: AdmissionInput, facts: ClusterFacts) => Violation[];

/** An artifact with its use, which decides whose signature is accepted. */
export interface Artifact {
  /** `repository@sha256:…`, with or without `oci://`. */
  reference: string;
  use:
    | { kind: "image" }
    | { kind: "chart" }
    | {
        kind: "blueprint";
        namespace: string;
        visibility: string | undefined;
        /** The Franchise that it belongs to. */
        franchise: string | undefined;
      };
}

/** A field that names an artifact, and the rule that denies the request when the artifact is not trusted. */
export interface ArtifactField {
  artifact: Artifact;
  path: string;
  rule: RuleId;
}

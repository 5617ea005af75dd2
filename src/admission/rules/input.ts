import type { Blueprint } from "../../api/blueprint.ts";
import type { Franchise } from "../../api/franchise.ts";
import type { Organization } from "../../api/organization.ts";

/** What somebody wants to do, as the API server tells it. */
export interface AdmissionInput {
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  group: string;
  resource: string;
  /** Empty for the object itself. */
  subresource: string;
  /** Empty while the server has not made it yet (`generateName`). */
  name: string;
  /** Empty for cluster-scoped kinds. */
  namespace: string;
  user: { username: string; groups: readonly string[] };
  /** Absent on DELETE. */
  object: ReviewedObject | undefined;
  /** Absent on CREATE. */
  oldObject: ReviewedObject | undefined;
}

/** An object of any kind, as far as all kinds are alike. Hostile until a rule has looked. */
export interface ReviewedObject {
  kind?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { apiVersion?: string; kind?: string; name?: string }[];
  };
  spec?: unknown;
  [member: string]: unknown;
}

export type Requester =
  | { kind: "platform" }
  | { kind: "machinery" }
  | { kind: "franchisee"; franchises: readonly Franchise[]; isPipeline: boolean }
  | { kind: "tenant"; isPipeline: boolean };

/** What was gathered before the rules run. They add no look-ups of their own. */
export interface ClusterFacts {
  requester: Requester;
  /** Labels of the namespace that the object lies in, or is. */
  namespaceLabels: Readonly<Record<string, string>>;
  /** Organizations of which the requester is owner or member. */
  memberships: readonly Organization[];
  /** Private Blueprints in catalog-sovereign. */
  privateBlueprints: readonly Blueprint[];
  platform: PlatformIdentities;
}

/** Who the platform is; configurable. */
export interface PlatformIdentities {
  groups: readonly string[];
  serviceAccountNamespaces: readonly string[];
}

export const DEFAULT_PLATFORM: PlatformIdentities = {
  groups: ["system:masters", "catalyst:platform"],
  serviceAccountNamespaces: ["kube-system", "catalyst-system", "flux-system"],
};

/** The one group that writes evidence annotations. */
export const PIPELINE_GROUP = "catalyst:pipeline";

/** One reason to say no: the rule's id, the field's path, and what to do. */
export interface Violation {
  rule: string;
  path: string;
  message: string;
}

export type Rule = (input: AdmissionInput, facts: ClusterFacts) => Violation[];

/** An artifact that must be signed before the request may pass. */
export interface SignatureDemand {
  /** `repository@sha256:…`, without `oci://`. */
  reference: string;
  path: string;
  rule: string;
  /** Whether the requester's Franchises may vouch for it, besides the platform. */
  byFranchise: boolean;
}

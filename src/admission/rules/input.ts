import type { Blueprint } from "../../api/blueprint.ts";
import type { Franchise } from "../../api/franchise.ts";
import type { Organization } from "../../api/organization.ts";
import type { RuleId } from "./rule-id.ts";

/** A request, as the API server describes it. */
export interface AdmissionInput {
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  group: string;
  resource: string;
  /** Empty for the object itself. */
  subresource: string;
  /** Empty when the API server has not chosen the name yet (`generateName`). */
  name: string;
  /** Empty for cluster-scoped kinds. */
  namespace: string;
  user: { username: string; groups: readonly string[] };
  /** Absent on DELETE. */
  object: ReviewedObject | undefined;
  /** Absent on CREATE. */
  oldObject: ReviewedObject | undefined;
}

/** An object of any kind: the members that all kinds share. Untrusted until a rule has checked it. */
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
  | { kind: "controlPlane" }
  | { kind: "franchisee"; franchises: readonly Franchise[]; isPipeline: boolean }
  | { kind: "tenant"; isPipeline: boolean };

/** What is known of the cluster, collected before the rules run. Rules look nothing up themselves. */
export interface ClusterFacts {
  requester: Requester;
  /** Labels of the namespace in which the object is, or of the object itself when it is a namespace. */
  namespaceLabels: Readonly<Record<string, string>>;
  /** Organizations of which the requester is owner or member. */
  memberships: readonly Organization[];
  /** Private Blueprints in catalog-sovereign. */
  privateBlueprints: readonly Blueprint[];
  platform: PlatformIdentities;
}

/** Which users are the platform; configurable. */
export interface PlatformIdentities {
  groups: readonly string[];
  serviceAccountNamespaces: readonly string[];
}

export const DEFAULT_PLATFORM: PlatformIdentities = {
  groups: ["system:masters", "catalyst:platform"],
  serviceAccountNamespaces: ["kube-system", "catalyst-system", "flux-system"],
};

/** Only members of this group may write evidence annotations. */
export const PIPELINE_GROUP = "catalyst:pipeline";

/** One reason for a denial: the rule, the path of the field, and a text that says what is wrong and what to do. */
export interface Violation {
  rule: RuleId;
  path: string;
  message: string;
}

export type Rule = (input: AdmissionInput, facts: ClusterFacts) => Violation[];

/** An artifact, and its use, which decides who may vouch for it. */
export interface Artifact {
  /** `repository@sha256:…`, with or without `oci://`. */
  reference: string;
  use:
    | { kind: "image" }
    | { kind: "chart" }
    | { kind: "blueprint"; namespace: string; visibility: string | undefined };
}

/** A field that names an artifact, and the rule that denies the request when the artifact is not trusted. */
export interface ArtifactField {
  artifact: Artifact;
  path: string;
  rule: RuleId;
}

/** `resource/name`, the path of a whole object. */
export const objectPath = ({ resource, name }: AdmissionInput): string => `${resource}/${name || "(new)"}`;

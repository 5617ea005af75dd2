/** The namespace selectors of the webhooks: by name, by the first of the place labels, or none of these. */
export const NAMESPACE_SELECTIONS = [
  "listed",
  "organization",
  "sovereign",
  "environment",
  "managed-by",
  "ordinary",
] as const;
export type NamespaceSelection = (typeof NAMESPACE_SELECTIONS)[number];

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
  /** `uid` is absent for people, and for a ServiceAccount that another identity impersonates. */
  user: { username: string; groups: readonly string[]; uid?: string };
  /** The selection to which the namespace belongs, by the webhook's path. Absent: the path names none. */
  selected?: NamespaceSelection;
  /** The API server stores nothing. Absent: it does. */
  isDryRun?: boolean;
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

/** `resource/name` or `resource/name/subresource`: the path of a whole object. */
export const objectPath = ({ resource, name, subresource }: AdmissionInput): string =>
  `${resource}/${name || "(new)"}${subresource === "" ? "" : `/${subresource}`}`;

/** Whether a request is about objects of a kind itself, not about a subresource. */
export const isAbout = (
  { group, resource, subresource }: AdmissionInput,
  kind: { group: string; resource: string },
): boolean => group === kind.group && resource === kind.resource && subresource === "";

/** Whether a request is about an object or its status. A write of the status may change labels and annotations. */
export const isObjectOrStatus = ({ subresource }: AdmissionInput): boolean =>
  subresource === "" || subresource === "status";

/** Whether a request is about objects of a kind or their status. */
export const isWithin = (input: AdmissionInput, kind: { group: string; resource: string }): boolean =>
  input.group === kind.group && input.resource === kind.resource && isObjectOrStatus(input);

/** Whether a request stores an object: a creation or an update. */
export const storesObject = ({ operation }: AdmissionInput): boolean =>
  operation === "CREATE" || operation === "UPDATE";

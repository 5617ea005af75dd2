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

/** `resource/name` or `resource/name/subresource`: the path of a whole object. */
export const objectPath = ({ resource, name, subresource }: AdmissionInput): string =>
  `${resource}/${name || "(new)"}${subresource === "" ? "" : `/${subresource}`}`;

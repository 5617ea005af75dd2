import type { RuleId } from "../../../../src/admission/rules/rule-id.ts";
import type { Person } from "./person.ts";

/** One request, and its expected outcome. */
export interface Attempt {
  title: string;
  by: Person;
  request: Request;
  /** The rules that must deny it. `connected`: admission lets it pass, and there is no kubelet that could answer. */
  expected: RuleId | readonly RuleId[] | "allowed" | "connected";
  /** The only server that answers it as expected. Undefined: both do. */
  only: "embedded" | "real" | undefined;
}

export interface Request {
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: object;
  /** The body as it is sent, instead of `body`. */
  text?: string;
  contentType?: string;
}

const attempt =
  (only: Attempt["only"]) =>
  (title: string, by: Person, request: Request, expected: Attempt["expected"]): Attempt => ({
    ...{ title, by, request, expected, only },
  });

/** An attempt for both API servers. */
export const on = attempt(undefined);
/** An attempt for a resource that the embedded API server does not serve. */
export const onReal = attempt("real");
/** An attempt that the real API server refuses before it calls admission. */
export const onEmbedded = attempt("embedded");

export const post = (path: string, body: object = {}): Request => ({ method: "POST", path, body });
export const put = (path: string, body: object): Request => ({ method: "PUT", path, body });
export const remove = (path: string): Request => ({ method: "DELETE", path });

/** A request whose body is not what `JSON.stringify` writes. */
export const raw = (method: Request["method"], type: string, path: string, text: string): Request => ({
  ...{ method, path, text },
  contentType: `application/${type}`,
});

const patch =
  (type: string) =>
  (path: string, body: object): Request => ({
    ...{ method: "PATCH", path, body },
    contentType: `application/${type}`,
  });
export const mergePatch = patch("merge-patch+json");
export const strategicPatch = patch("strategic-merge-patch+json");
export const jsonPatch = patch("json-patch+json");
/** Server-side apply, as a field manager that takes what it applies. */
export const apply = (path: string, body: object): Request =>
  patch("apply-patch+yaml")(`${path}?fieldManager=red-team&force=true`, body);

/** The path of core objects in a namespace: `core("shop", "pods/app/exec")`. */
export const core = (namespace: string, rest: string) => `/api/v1/namespaces/${namespace}/${rest}`;
/** The path of a group's objects in a namespace: `group("apps/v1", "shop", "deployments")`. */
export const group = (version: string, namespace: string, rest: string) =>
  `/apis/${version}/namespaces/${namespace}/${rest}`;
/** The path of cluster-scoped objects of a group. */
export const cluster = (version: string, rest: string) => `/apis/${version}/${rest}`;

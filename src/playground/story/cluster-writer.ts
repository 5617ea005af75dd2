import type { KubernetesObject } from "../../api/object.ts";
import { type ApiConnection, type ApiResponse, messageOf, successfulBody } from "./api-connection.ts";
import { type ObjectReference, objectPath, referenceOf } from "./cluster-object.ts";
import { UnmetExpectation } from "./expectation.ts";

const FIELD_MANAGER = "catalyst-playground";

/** The story expects some writes to be refused, so a refusal is a value here and not an error. */
export type WriteResult =
  | { kind: "accepted"; object: KubernetesObject }
  | { kind: "refused"; status: number; message: string };

/** Writes to the API server as one user. */
export interface Writer {
  apply(manifest: KubernetesObject): Promise<WriteResult>;
  /** As `apply`; throws when refused. */
  mustApply(manifest: KubernetesObject): Promise<void>;
  mergePatch(reference: ObjectReference, patch: object): Promise<WriteResult>;
  strategicPatch(reference: ObjectReference, patch: object): Promise<WriteResult>;
  remove(reference: ObjectReference): Promise<WriteResult>;
  /** A token of a ServiceAccount. Throws when refused. */
  requestToken(namespace: string, account: string, seconds: number): Promise<string>;
}

/** Without `user`, the writer is the kubeconfig's own user, an administrator. */
export function createWriter(connection: ApiConnection, user?: string): Writer {
  const impersonation = user === undefined ? {} : { as: user };
  const patch = async (reference: ObjectReference, body: object, contentType: string, query = "") =>
    resultOf(
      await connection.send({
        method: "PATCH",
        path: `${objectPath(reference)}${query}`,
        body,
        contentType,
        ...impersonation,
      }),
    );
  const apply = (manifest: KubernetesObject) =>
    patch(
      referenceOf(manifest),
      manifest,
      "application/apply-patch+yaml",
      `?fieldManager=${FIELD_MANAGER}&force=true`,
    );
  return {
    apply,
    async mustApply(manifest) {
      const result = await apply(manifest);
      if (result.kind === "refused")
        throw new UnmetExpectation(`${manifest.kind} ${manifest.metadata.name}: ${result.message}`);
    },
    mergePatch: (reference, body) => patch(reference, body, "application/merge-patch+json"),
    strategicPatch: (reference, body) => patch(reference, body, "application/strategic-merge-patch+json"),
    remove: async (reference) =>
      resultOf(await connection.send({ method: "DELETE", path: objectPath(reference), ...impersonation })),
    async requestToken(namespace, account, expirationSeconds) {
      const response = await connection.send({
        method: "POST",
        path: `${objectPath({ kind: "ServiceAccount", name: account, namespace })}/token`,
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: { expirationSeconds },
        },
        ...impersonation,
      });
      return (successfulBody(response) as { status: { token: string } }).status.token;
    },
  };
}

function resultOf(response: ApiResponse): WriteResult {
  return response.status < 300
    ? { kind: "accepted", object: response.body as KubernetesObject }
    : { kind: "refused", status: response.status, message: messageOf(response) };
}

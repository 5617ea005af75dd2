import { decodeObject, readBody } from "../body.ts";
import { refuseProtectedNamespace } from "../builtin-admission.ts";
import type { createLister } from "../list.ts";
import { listOf } from "../object.ts";
import { parseSelection } from "../selection.ts";
import { isRefusal } from "../status.ts";
import { type DeleteOptions, parseDeleteOptions } from "../write/delete-options.ts";
import type { Deleter } from "../write/deletion.ts";
import { presentationOf, type ResourceExchange, sendObject, writeRequestOf } from "./exchange.ts";

export interface DeleteHandlerDeps {
  list: ReturnType<typeof createLister>;
  remove: Deleter;
  now: () => Date;
}

/** Serves delete and deletecollection. */
export function createDeleteHandler({ list, remove, now }: DeleteHandlerDeps) {
  async function removeOne(exchange: ResourceExchange): Promise<void> {
    const { type, info, answer } = exchange;
    const options = await deleteOptions(exchange);
    const write = writeRequestOf(exchange);
    refuseProtectedNamespace(write);
    const { object, gone } = await remove(write, options);
    // As in Kubernetes: a deleted Pod or ServiceAccount is returned, any other deletion is answered with a Status.
    if (!gone || type.storage === "/pods" || type.storage === "/serviceaccounts")
      return sendObject(exchange, 200, object, now);
    answer.send(200, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: {
        name: info.name,
        ...(type.group === "" ? {} : { group: type.group }),
        kind: type.plural,
        uid: object.metadata.uid,
      },
    });
  }

  async function removeCollection(exchange: ResourceExchange): Promise<void> {
    const { type, info, answer } = exchange;
    const options = await deleteOptions(exchange);
    const write = writeRequestOf(exchange);
    const selection = parseSelection(type, write.namespace, info.query);
    const page = list(type, selection, info.query);
    for (const item of page.items) {
      const request = { ...write, namespace: item.metadata.namespace ?? "", name: item.metadata.name };
      await remove(request, options).catch((error: unknown) => {
        if (!isRefusal(error, 404)) throw error;
      });
    }
    answer.send(200, presentationOf(exchange, now).list(page));
  }

  return { removeOne, removeCollection };
}

async function deleteOptions({ request, info }: ResourceExchange): Promise<DeleteOptions> {
  const body = await readBody(request);
  const decoded = body.length === 0 ? {} : decodeObject(body, request.headers["content-type"]);
  for (const value of listOf(decoded.dryRun)) info.query.append("dryRun", String(value));
  return parseDeleteOptions(decoded, info.query);
}

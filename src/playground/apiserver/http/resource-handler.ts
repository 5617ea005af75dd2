import { methodNotAllowed } from "../refusal.ts";
import { createDeleteHandler, type DeleteHandlerDeps } from "./delete-handler.ts";
import type { ResourceExchange } from "./exchange.ts";
import { createReadHandler, type ReadHandlerDeps } from "./read-handler.ts";
import { checkRoute } from "./route.ts";
import { createWriteHandler, type WriteHandlerDeps } from "./write-handler.ts";

export interface ResourceHandlerDeps extends ReadHandlerDeps, WriteHandlerDeps, DeleteHandlerDeps {}

/** Serves the verbs of all resource types. */
export function createResourceHandler(deps: ResourceHandlerDeps) {
  const read = createReadHandler(deps);
  const write = createWriteHandler(deps);
  const deletion = createDeleteHandler(deps);

  return async function handle(exchange: ResourceExchange): Promise<void> {
    const { info, type } = exchange;
    checkRoute(info, type);
    if (type.deprecationWarning !== undefined) exchange.answer.warn(type.deprecationWarning);
    switch (info.verb) {
      case "get":
      case "list":
      case "watch":
        return read(exchange);
      case "create":
        return write.create(exchange);
      case "update":
        return write.update(exchange);
      case "patch":
        return write.patch(exchange);
      case "delete":
        return deletion.removeOne(exchange);
      case "deletecollection":
        return deletion.removeCollection(exchange);
      default:
        throw methodNotAllowed();
    }
  };
}

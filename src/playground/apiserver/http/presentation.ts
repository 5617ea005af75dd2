import type { ListPage } from "../list.ts";
import type { AnswerForm } from "../media-type.ts";
import { type ApiObject, apiVersionOf, type JsonObject } from "../object.ts";
import { type ResourceType, served } from "../resource-type.ts";
import { columnSet, type IncludeObject, parseIncludeObject, partialMetadata, tableOf } from "../table.ts";

export interface Presentation {
  /** One object, from its stored form. */
  object(stored: ApiObject): JsonObject;
  /** As `object`, for the next event of a watch: only its first table has columns. */
  event(stored: ApiObject): JsonObject;
  list(page: ListPage): JsonObject;
  bookmark(resourceVersion: number, initialEventsEnd: boolean): JsonObject;
}

/** Objects, lists and bookmarks of a type in the form that the client requested. */
export function createPresentation(
  type: ResourceType,
  form: AnswerForm,
  query: URLSearchParams,
  now: () => Date,
): Presentation {
  const include: IncludeObject =
    form.as === "Table" ? parseIncludeObject(query.get("includeObject")) : "Metadata";
  const columns = form.as === "Table" ? columnSet(type) : undefined;
  const apiVersion = apiVersionOf(type.group, type.version);
  const table = (objects: readonly ApiObject[], metadata: JsonObject) =>
    tableOf(
      columns ?? columnSet(type),
      objects.map((stored) => ({ stored, served: served(type, stored) })),
      metadata,
      { include, now: now() },
    );

  function present(stored: ApiObject): JsonObject {
    switch (form.as) {
      case "Table":
        return table([stored], { resourceVersion: stored.metadata.resourceVersion });
      case "PartialObjectMetadata":
        return partialMetadata(stored);
      case "object":
        return served(type, stored);
    }
  }

  let isDescribed = false;
  return {
    object: present,

    event(stored) {
      const event = present(stored);
      if (form.as !== "Table") return event;
      if (isDescribed) event.columnDefinitions = null;
      isDescribed = true;
      return event;
    },

    list({ items, resourceVersion, continueToken, remainingItemCount }) {
      const metadata: JsonObject = {
        resourceVersion: String(resourceVersion),
        ...(continueToken === undefined ? {} : { continue: continueToken }),
        ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
      };
      switch (form.as) {
        case "Table":
          return table(items, metadata);
        case "PartialObjectMetadata":
          return {
            kind: "PartialObjectMetadataList",
            apiVersion: "meta.k8s.io/v1",
            metadata,
            items: items.map(partialMetadata),
          };
        case "object":
          return {
            kind: type.listKind,
            apiVersion,
            metadata,
            items: items.map((item) => listItem(type, item)),
          };
      }
    },

    bookmark(resourceVersion, initialEventsEnd) {
      const metadata = {
        resourceVersion: String(resourceVersion),
        creationTimestamp: null,
        ...(initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
      };
      const object = { kind: type.kind, apiVersion, metadata };
      if (form.as === "object") return object;
      const partial = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
      if (form.as === "PartialObjectMetadata") return partial;
      return {
        kind: "Table",
        apiVersion: "meta.k8s.io/v1",
        metadata: { resourceVersion: String(resourceVersion) },
        columnDefinitions: (columns ?? columnSet(type)).columns,
        rows: [{ cells: [], object: partial }],
      };
    },
  };
}

/** Items of built-in kinds have no kind and version in a list. Those of custom kinds do. */
function listItem(type: ResourceType, stored: ApiObject): JsonObject {
  const object = served(type, stored);
  if (type.custom !== undefined) return object;
  const { kind, apiVersion, ...rest } = object;
  return rest;
}

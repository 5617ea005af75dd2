import { applyArea } from "./behaviour/apply.ts";
import { definitionArea } from "./behaviour/definition.ts";
import { deletionArea } from "./behaviour/deletion.ts";
import { listArea } from "./behaviour/list.ts";
import { namespaceArea } from "./behaviour/namespace.ts";
import { objectArea } from "./behaviour/object.ts";
import { patchArea } from "./behaviour/patch.ts";
import { requestArea } from "./behaviour/request.ts";
import { schemaArea } from "./behaviour/schema.ts";
import { subresourceArea } from "./behaviour/subresource.ts";
import { watchArea } from "./behaviour/watch.ts";
import type { Area } from "./behaviour.ts";

export const AREAS: readonly Area[] = [
  objectArea,
  requestArea,
  listArea,
  watchArea,
  patchArea,
  applyArea,
  subresourceArea,
  schemaArea,
  definitionArea,
  deletionArea,
  namespaceArea,
];

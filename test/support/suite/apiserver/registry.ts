import { accessArea } from "./behaviour/access.ts";
import { applyArea } from "./behaviour/apply.ts";
import { definitionArea } from "./behaviour/definition.ts";
import { deletionArea } from "./behaviour/deletion.ts";
import { discoveryArea } from "./behaviour/discovery.ts";
import { listArea } from "./behaviour/list.ts";
import { namespaceArea } from "./behaviour/namespace.ts";
import { objectArea } from "./behaviour/object.ts";
import { overloadArea } from "./behaviour/overload.ts";
import { patchArea } from "./behaviour/patch.ts";
import { policyArea } from "./behaviour/policy.ts";
import { requestArea } from "./behaviour/request.ts";
import { roleArea } from "./behaviour/role.ts";
import { schemaArea } from "./behaviour/schema.ts";
import { subresourceArea } from "./behaviour/subresource.ts";
import { watchArea } from "./behaviour/watch.ts";
import { webhookArea } from "./behaviour/webhook.ts";
import { webhookMatchArea } from "./behaviour/webhook-match.ts";
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
  webhookArea,
  webhookMatchArea,
  policyArea,
  accessArea,
  roleArea,
  discoveryArea,
  overloadArea,
];

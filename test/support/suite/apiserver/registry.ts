import { applyArea } from "./behaviour/apply.ts";
import { listArea } from "./behaviour/list.ts";
import { objectArea } from "./behaviour/object.ts";
import { patchArea } from "./behaviour/patch.ts";
import { requestArea } from "./behaviour/request.ts";
import { watchArea } from "./behaviour/watch.ts";
import type { Area } from "./behaviour.ts";

export const AREAS: readonly Area[] = [objectArea, requestArea, listArea, watchArea, patchArea, applyArea];

import { toCustomResourceDefinition } from "../../../src/api/crd.ts";
import { KINDS } from "../../../src/api/kind-list.ts";
import { createManifestChecker } from "../../../src/playground/apiserver/index.ts";

/** What an API server with our CRDs says against creating an object. */
export const manifestProblems = createManifestChecker(KINDS.map(toCustomResourceDefinition));

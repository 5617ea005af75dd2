import { toCustomResourceDefinition } from "../../../src/api/crd.ts";
import { KINDS } from "../../../src/api/kind-list.ts";
import { createManifestChecker } from "../../../src/playground/apiserver/index.ts";

/** The reasons for which an API server with our CRDs refuses to create an object. */
export const manifestProblems = createManifestChecker(KINDS.map(toCustomResourceDefinition));

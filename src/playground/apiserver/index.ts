export type { Credentials } from "./access/credential.ts";
export type { PodLog, PodLogRequest } from "./http/pod-log.ts";
export type { Logger } from "./logger.ts";
export { createManifestChecker, type ManifestChecker } from "./manifest-check.ts";
export type { ApiObject } from "./object.ts";
export type { FieldError } from "./schema/field-error.ts";
export type { JsonObject, JsonSchema } from "./schema/json-schema.ts";
export { compileStructuralSchema, type StructuralSchema } from "./schema/structural-schema.ts";
export { type ApiServer, type ApiServerOptions, createApiServer } from "./server.ts";

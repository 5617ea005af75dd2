import { readFile } from "node:fs/promises";
import {
  type CredentialLookup,
  findCredential,
  parsePullSecret,
} from "../admission/signature/registry-credential.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";

/**
 * Finds credentials for registries in files, each the `.dockerconfigjson` of a mounted pull secret. Each look-up reads the
 * files, so that a rotated secret is used at once. Look-ups are rare, because each follows a challenge of a registry.
 */
export function createPullSecretLookup(files: readonly string[], logger: Logger): CredentialLookup {
  async function read(file: string) {
    try {
      return parsePullSecret(await readFile(file, "utf8"));
    } catch (error) {
      // The message of a SyntaxError quotes the text, which holds passwords.
      const reason = error instanceof SyntaxError ? "not valid JSON" : errorMessage(error);
      logger.error({ file, reason }, "a pull secret cannot be read: its registries are asked anonymously");
      return [];
    }
  }
  return async (host, repository) =>
    findCredential((await Promise.all(files.map(read))).flat(), host, repository);
}

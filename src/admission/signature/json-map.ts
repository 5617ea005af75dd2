import { mapOf } from "../../api/object.ts";

/** The members of a JSON object; none when the bytes are anything else. For answers of registries, which are not validated. */
export function parseJsonMap(bytes: Uint8Array): Record<string, unknown> {
  try {
    return mapOf(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    return {};
  }
}

import type { KubernetesObject } from "../../../src/api/object.ts";

/** The fields that a client wrote to an object. The generation shows a write that changed it twice. */
export function contentOf(object: KubernetesObject): Record<string, unknown> {
  const { kind, metadata, status: _status, ...rest } = object as KubernetesObject & { status?: unknown };
  const { name, generation, labels, annotations, deletionTimestamp } = metadata;
  return { kind, name, generation, labels, annotations, deletionTimestamp, ...rest };
}

/** The text without the values that differ between Sovereigns and runs. */
export const withoutRunValues = (
  text: string,
  { image, earlier, name }: { image: string; earlier: string; name: string },
): string =>
  text
    .replaceAll(image, "CURRENT")
    .replaceAll(earlier, "EARLIER")
    .replaceAll(new RegExp(`\\b${name}\\b`, "g"), "NAME")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\b10\.\d+\.\d+\.\d+\b/g, "ADDRESS")
    .replaceAll(/[0-9a-f]{8,}/g, "HASH")
    // After a failure, the condition is found again from the status, without the Job.
    .replace(
      /"(Job billing-migrate-HASH migrated the database to [^"]*|the migration of this image ran earlier)"/,
      '"MIGRATED"',
    );

/** Shows only the beginning, because a whole object is too long to read. */
export function differenceOf(expected: readonly string[] = [], found: readonly string[]): string {
  const missing = expected.filter((line) => !found.includes(line)).map((line) => `- ${line}`);
  const added = found.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`);
  return [`${expected.length} lines, ${found.length} found`, ...missing, ...added]
    .map((line) => line.slice(0, 1_000))
    .join("\n");
}

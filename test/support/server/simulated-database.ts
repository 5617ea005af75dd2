interface Schema {
  version: string;
  fingerprint: string;
}

/** The schema of each Sovereign's database, by namespace. */
export function createSimulatedDatabases() {
  /**
   * The schema version that an image migrates to. A newer schema is compatible, so it stays. Without an entry, an image has
   * a schema of its own.
   */
  const versions = new Map<string, string>();
  const migrated = new Map<string, Schema>();
  function ownSchema(image: string): Schema {
    const version = versions.get(image);
    return version === undefined
      ? { version: "0005", fingerprint: `sha256:b${image.slice(-1).repeat(63)}` }
      : { version, fingerprint: `sha256:${version.slice(-1).repeat(64)}` };
  }
  const schemaOf = (namespace: string, image: string): Schema => migrated.get(namespace) ?? ownSchema(image);
  return {
    versions,
    schemaOf,
    /** Migrates the database to an image, and returns the schema afterwards. */
    migrate(namespace: string, image: string): Schema {
      const own = ownSchema(image);
      if (versions.has(image) && schemaOf(namespace, image).version <= own.version)
        migrated.set(namespace, own);
      return schemaOf(namespace, image);
    },
  };
}

/** The API that an image's billing has: the same for every Sovereign that runs it. */
export const apiFingerprintOf = (image: string): string => `sha256:a${image.slice(-1).repeat(63)}`;

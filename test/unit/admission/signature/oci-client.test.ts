import { describe, expect, it } from "vitest";
import { createOciClient } from "../../../../src/admission/signature/oci-client.ts";
import type { RegistryRequest } from "../../../../src/admission/signature/registry-request.ts";
import { sha256Digest } from "../../../../src/platform/canonical-json.ts";

const AT = { host: "registry.test", repository: "shop" };
const DIGEST = sha256Digest("shop");
const TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIGNAL = AbortSignal.timeout(5_000);

/** A registry that answers each path with a status, or with a JSON body. */
function registry(answers: Record<string, number | object>) {
  const asked: string[] = [];
  const request: RegistryRequest = async (_at, path) => {
    asked.push(path);
    const answer = answers[path] ?? 404;
    const [status, body] =
      typeof answer === "number" ? [answer, new Uint8Array()] : [200, Buffer.from(JSON.stringify(answer))];
    return { request: path, status, body, headers: new Headers(), isRedirected: false };
  };
  return { client: createOciClient(request), asked };
}

describe("the referrers of a digest", () => {
  const referrer = { digest: sha256Digest("bundle"), artifactType: TYPE };
  const api = `referrers/${DIGEST}?artifactType=${encodeURIComponent(TYPE)}`;
  const tag = `manifests/${DIGEST.replace(":", "-")}`;

  it("reads the referrers from the referrers API", async () => {
    const { client, asked } = registry({ [api]: { manifests: [referrer, { digest: 1 }, null, {}] } });
    expect(await client.referrers(AT, DIGEST, TYPE, SIGNAL)).toEqual([referrer]);
    expect(asked).toEqual([api]);
  });

  it.each([400, 404, 405, 406])(
    "reads the referrers from the tag when the API answers %d",
    async (status) => {
      const { client, asked } = registry({ [api]: status, [tag]: { manifests: [referrer] } });
      expect(await client.referrers(AT, DIGEST, TYPE, SIGNAL)).toEqual([referrer]);
      expect(asked).toEqual([api, tag]);
    },
  );

  it("returns no referrers without the tag, and without a list", async () => {
    expect(await registry({}).client.referrers(AT, DIGEST, TYPE, SIGNAL)).toEqual([]);
    expect(await registry({ [api]: { manifests: {} } }).client.referrers(AT, DIGEST, TYPE, SIGNAL)).toEqual(
      [],
    );
  });

  it.each([401, 403, 429, 500])("fails when the referrers API answers %d", async (status) => {
    const { client, asked } = registry({ [api]: status, [tag]: { manifests: [referrer] } });
    await expect(client.referrers(AT, DIGEST, TYPE, SIGNAL)).rejects.toThrow(
      `registry.test answers ${status}`,
    );
    expect(asked).toEqual([api]);
  });
});

describe("a blob", () => {
  it.each(["../../manifests/latest", "sha512:aa", "sha256:AA", ""])(
    "that a manifest names as %j is not asked for",
    async (digest) => {
      const { client, asked } = registry({});
      await expect(client.blob(AT, digest, SIGNAL)).rejects.toThrow("is not a SHA-256 digest");
      expect(asked).toEqual([]);
    },
  );
});

import { describe, expect, it } from "vitest";
import {
  ALLOW,
  CATCH_ALL,
  creation,
  refusal,
  useAdmissionWebhooks,
  webhook,
} from "../../../support/server/admission-webhook.ts";

const { serve, chainOf } = useAdmissionWebhooks();

describe("the call of a validating webhook", () => {
  it("receives the AdmissionReview that Kubernetes sends", async () => {
    const server = await serve(() => ALLOW);
    await chainOf({ validating: [webhook(server)] }).validate(creation());
    const [review] = server.received;
    expect(review).toEqual({
      kind: "AdmissionReview",
      apiVersion: "admission.k8s.io/v1",
      request: {
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        kind: { group: "apps", version: "v1", kind: "Deployment" },
        resource: { group: "apps", version: "v1", resource: "deployments" },
        requestKind: { group: "apps", version: "v1", kind: "Deployment" },
        requestResource: { group: "apps", version: "v1", resource: "deployments" },
        name: "web",
        namespace: "tenant",
        operation: "CREATE",
        userInfo: { username: "alice", uid: "7", groups: ["dev"], extra: { scope: ["x"] } },
        object: creation().object,
        oldObject: null,
        dryRun: false,
        options: creation().options,
      },
    });
  });

  it.each([
    [
      { message: "no" },
      { code: 400, message: 'admission webhook "guard.example.com" denied the request: no' },
    ],
    [
      { message: "no", code: 403, reason: "Forbidden" },
      {
        code: 403,
        reason: "Forbidden",
        message: 'admission webhook "guard.example.com" denied the request: no',
      },
    ],
    [
      { reason: "Invalid", code: 422 },
      {
        code: 422,
        reason: "Invalid",
        message: 'admission webhook "guard.example.com" denied the request: Invalid',
      },
    ],
    [
      undefined,
      { code: 400, message: 'admission webhook "guard.example.com" denied the request without explanation' },
    ],
  ])("denies with the webhook's message: %o", async (status, expected) => {
    const server = await serve(() => ({ response: { allowed: false, ...(status ? { status } : {}) } }));
    const status_ = await refusal(chainOf({ validating: [webhook(server)] }).validate(creation()));
    expect(status_).toMatchObject({ ...expected, status: "Failure" });
    expect("reason" in status_).toBe("reason" in expected);
  });

  it("adds its warnings to the answer, and keeps its connection", async () => {
    const server = await serve(() => ({
      response: { allowed: true, warnings: ["old"], auditAnnotations: { rule: "r" } },
    }));
    const chain = chainOf({ validating: [webhook(server)] });
    expect(await chain.validate(creation())).toEqual({
      warnings: ["old"],
      auditAnnotations: { "guard.example.com/rule": "r" },
    });
    for (let call = 0; call < 10; call++) await chain.validate(creation());
    // One connection, or two if the first was not yet free again.
    expect(server.connections()).toBeLessThan(3);
  });

  it("is called at the same time as the other webhooks", async () => {
    let waiting = 0;
    const all = Promise.withResolvers<void>();
    // The server answers only after all three calls have arrived.
    const server = await serve(async () => {
      waiting += 1;
      if (waiting === 3) all.resolve();
      await all.promise;
      return ALLOW;
    });
    const hooks = ["a", "b", "c"].map((name) => webhook(server, { name: `${name}.example.com` }));
    await chainOf({ validating: hooks }).validate(creation());
    expect(waiting).toBe(3);
  });

  it("makes the server refuse a dry run when the webhook has side effects", async () => {
    const server = await serve(() => ALLOW);
    const hook = webhook(server, { sideEffects: "Some" });
    expect(await refusal(chainOf({ validating: [hook] }).validate(creation({ dryRun: true })))).toMatchObject(
      {
        code: 400,
        reason: "BadRequest",
        message: 'admission webhook "guard.example.com" does not support dry run',
      },
    );
  });

  it("receives the object in the version of its rule when that version is equivalent", async () => {
    const server = await serve(() => ALLOW);
    const chain = chainOf({
      validating: [webhook(server, { rules: [{ ...CATCH_ALL[0], apiVersions: ["v2"] }] })],
      deps: { equivalents: (resource) => [{ ...resource, version: "v2" }] },
    });
    await chain.validate(creation());
    expect(server.received[0]?.request).toMatchObject({
      kind: { version: "v2" },
      requestKind: { version: "v1" },
      object: { apiVersion: "apps/v2" },
    });
  });
});

import { describe, expect, it } from "vitest";
import type { AdmissionChainDeps } from "../../../../src/playground/apiserver/admission/chain.ts";
import {
  ALLOW,
  creation,
  refusal,
  useAdmissionWebhooks,
  webhook,
} from "../../../support/server/admission-webhook.ts";
import type { Answer } from "../../../support/server/webhook-server.ts";

const { serve, chainOf } = useAdmissionWebhooks();

describe("a webhook that fails", () => {
  const failing: [string, Answer, RegExp][] = [
    [
      "with a server error",
      () => ({ status: 500, body: "boom" }),
      /failed to call webhook: an error on the server \("boom"\) has prevented the request from succeeding$/,
    ],
    [
      "with another uid",
      () => ({ response: { uid: "x", allowed: true } }),
      /received invalid webhook response: expected response\.uid="[0-9a-f-]+", got "x"$/,
    ],
    [
      "with a patch from a validating webhook",
      () => ({ response: { allowed: true, patch: "W10=", patchType: "JSONPatch" } }),
      /received invalid webhook response: validating webhook may not return response\.patch$/,
    ],
  ];

  it.each(failing)("refuses the request %s", async (_, answer, expected) => {
    const server = await serve(answer);
    const status = await refusal(chainOf({ validating: [webhook(server)] }).validate(creation()));
    expect(status).toMatchObject({ code: 500, reason: "InternalError" });
    expect(status.message).toMatch(
      /^Internal error occurred: failed calling webhook "guard\.example\.com": /,
    );
    expect(status.message).toMatch(expected);
  });

  it.each(failing)(
    "allows the request %s when failurePolicy is Ignore, and reports the failure",
    async (_, answer) => {
      const server = await serve(answer);
      const ignored: string[] = [];
      const chain = chainOf({
        validating: [webhook(server, { failurePolicy: "Ignore" })],
        deps: { onIgnoredFailure: (name) => ignored.push(name) },
      });
      expect(await chain.validate(creation())).toEqual({ warnings: [], auditAnnotations: {} });
      expect(ignored).toEqual(["guard.example.com"]);
    },
  );

  it("refuses the request when the webhook takes longer than its timeout", async () => {
    const server = await serve(() => new Promise((resolve) => setTimeout(() => resolve(ALLOW), 3_000)));
    const chain = chainOf({ validating: [webhook(server, { timeoutSeconds: 1 })] });
    const status = await refusal(chain.validate(creation()));
    expect(status.message).toMatch(
      /Post "https:\/\/127\.0\.0\.1:\d+\/review\?timeout=1s": context deadline exceeded$/,
    );
  });

  it("refuses a certificate of another authority", async () => {
    const server = await serve(() => ALLOW);
    const other = await serve(() => ALLOW);
    const hook = webhook(server, { clientConfig: { url: server.url, caBundle: other.caBundle } });
    const status = await refusal(chainOf({ validating: [hook] }).validate(creation()));
    expect(status.message).toMatch(
      /tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
    );
  });

  it("connects to a Service by its name, and refuses a certificate of another name", async () => {
    const server = await serve(() => ALLOW, ["guard.system.svc"]);
    const service = (name: string) =>
      webhook(server, {
        clientConfig: { service: { name, namespace: "system", path: "/x" }, caBundle: server.caBundle },
      });
    const deps: Partial<AdmissionChainDeps> = {
      resolveService: ({ name, port }) =>
        name === "gone" || port !== 443 ? undefined : { host: "127.0.0.1", port: server.port },
    };
    await chainOf({ validating: [service("guard")], deps }).validate(creation());
    expect(server.received).toHaveLength(1);
    const misnamed = await refusal(chainOf({ validating: [service("other")], deps }).validate(creation()));
    expect(misnamed.message).toMatch(
      /Post "https:\/\/other\.system\.svc:443\/x\?timeout=10s": tls: failed to verify/,
    );
    const gone = await refusal(chainOf({ validating: [service("gone")], deps }).validate(creation()));
    expect(gone.message).toMatch(/no endpoints available for service "gone"$/);
  });
});

import { describe, expect, it } from "vitest";
import { redactObject, redactText, redactValue } from "../../../../src/operator/support/redaction.ts";

describe("text of a support bundle", () => {
  it.each([
    ["postgresql://u:p@db.internal/x failed", "postgresql://[redacted] failed"],
    ["amqp://broker/x", "amqp://[redacted]"],
    ["GET https://u:p@host.example/a", "GET https://[redacted]"],
    ["GET https://host.example/a", "GET https://host.example/a"],
    ["Bearer abc.def-123", "Bearer [redacted]"],
    ["keys sk_live_a1, rk_test_b_2 and pk_test_c3", "keys [redacted], [redacted] and [redacted]"],
    ["webhook whsec_a1", "webhook [redacted]"],
    ['password: "a b", x', 'password: [redacted]", x'],
    ['{"msg":"{\\"apiKey\\":\\"abc\\"}"}', '{"msg":"{\\"apiKey\\":[redacted]"}"}'],
    ["token='a b' x", "token=[redacted]' x"],
    ["client_secret=abc&x=1", "client_secret=[redacted]&x=1"],
    ["mail a.b+c@d.example now", "mail [address] now"],
    ["from 10.0.0.7:8080 and fd00::7", "from [address]:8080 and [address]"],
    ["at 12:34:56, version 1.2.3", "at 12:34:56, version 1.2.3"],
    [`image a@sha256:${"0a".repeat(32)}`, `image a@sha256:${"0a".repeat(32)}`],
    [`key ${"aB3".repeat(15)}`, "key [redacted]"],
    [`key ${"aB3-x_".repeat(8)}`, "key [redacted]"],
    [
      "Secret sovereign-omantel-of-the-second-region-2/billing-db-owner-3",
      "Secret sovereign-omantel-of-the-second-region-2/billing-db-owner-3",
    ],
    ["Authorization: Token abc123, next", "Authorization: [redacted]"],
    ['{"msg":"{\\"Authorization\\":\\"ApiKey a b\\"}"}', '{"msg":"{\\"Authorization\\":\\"[redacted]\\"}"}'],
    [
      '{"msg":"keys\\nsk_live_a1\\nglpat-0123456789ab\\u000aeyJhbGciOiJ9.eyJzdWIiOiJ9.e"}',
      '{"msg":"keys\\n[redacted]\\n[redacted]\\u000a[redacted]"}',
    ],
    [`{"msg":"\\n${"aB3".repeat(14)}"}`, '{"msg":"\\n[redacted]"}'],
    ["Set-Cookie: session=abc; Path=/", "Set-Cookie: [redacted]"],
    ['Set-Cookie: session="abc"; Path=/', "Set-Cookie: [redacted]"],
    ['Authorization: Digest username="a", response="abc"', "Authorization: [redacted]"],
    ['{"msg":"Cookie: a=\\"abc\\"; b=c","x":"y"}', '{"msg":"Cookie: [redacted]","x":"y"}'],
    ['{"authorization":"abc","x":"y"}', '{"authorization":"[redacted]","x":"y"}'],
    ['{"authorization":"Basic YWJj=","x":"y"}', '{"authorization":"[redacted]","x":"y"}'],
    ['{"a":"{\\"cookie\\":\\"b=YWJj=\\"}","x":"y"}', '{"a":"{\\"cookie\\":\\"[redacted]\\"}","x":"y"}'],
    ["HUB_AUTHORIZATION=abc", "HUB_AUTHORIZATION=[redacted]"],
    ["login with ghr_0123456789abcdef", "login with [redacted]"],
    ["login with ghp_0123456789abcdef and glpat-0123456789ab", "login with [redacted] and [redacted]"],
    ["-----BEGIN CERTIFICATE-----\nMIIB cut off", "[redacted]"],
    [
      "Secret sovereign-omantel/billing-jwt has no key secret: create it",
      "Secret sovereign-omantel/billing-jwt has no key secret: [redacted] it",
    ],
  ])("%j becomes %j", (text, redacted) => {
    expect(redactText(text)).toBe(redacted);
  });

  it.each([["a"], ["ey-"], ["eyJ-"], ["a-"], ["token "], ["x://"]])(
    "takes little time for a long line of %j",
    (part) => {
      const cut = redactText(`first\n${part.repeat(500_000)}\nlast`).split("\n");
      expect(cut[0]).toBe("first");
      expect(cut[1]).toMatch(/… \(\d+ characters are left out\)$/);
      expect(cut[1]?.length).toBeLessThan(20_000);
      expect(cut[2]).toBe("last");
    },
  );

  it.each([["cookie:"], ['cookie="'], ["cookie:=\\"], ['="'], ["authorization "]])(
    "takes little time for a header of many %j",
    (part) => {
      const header = `Cookie: ${part.repeat(500_000)}`;
      expect(redactText(`${header}\nlast`)).toMatch(/^Cookie: \[redacted\].*\nlast$/);
    },
  );
});

describe("a value of a support bundle", () => {
  it("keeps names of Secrets, numbers and absent values, and no member that holds a secret", () => {
    expect(
      redactValue({
        secretRef: { name: "billing-db", key: "url" },
        secretName: "billing-jwt",
        token: "abc",
        list: [{ dbPassword: "abc" }, 1, true, null],
        "a@b.example": "x",
      }),
    ).toEqual({
      secretRef: { name: "billing-db", key: "url" },
      secretName: "billing-jwt",
      token: "[redacted]",
      list: [{ dbPassword: "[redacted]" }, 1, true, null],
      "[address]": "x",
    });
  });

  it("keeps only an object's identifying metadata and the operator's own annotations", () => {
    const metadata = {
      ...{ name: "a", uid: "u", managedFields: [{}], selfLink: "/x" },
      annotations: { "approve.catalyst.openova.io/gulf": "by ops", other: "x" },
    };
    expect(redactObject({ kind: "Pod", metadata })).toEqual({
      kind: "Pod",
      metadata: { name: "a", uid: "u", annotations: { "approve.catalyst.openova.io/gulf": "by ops" } },
    });
    expect(redactObject({ metadata: { name: "a" } })).toEqual({ metadata: { name: "a", annotations: {} } });
  });
});

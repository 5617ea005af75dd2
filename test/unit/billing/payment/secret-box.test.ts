import { describe, expect, it } from "vitest";
import { createSecretBox, isSealed } from "../../../../src/billing/payment/secret-box.ts";

const SECRET = "sk_live_0123456789";
const box = createSecretBox("a-key-of-one-sovereign-0123456789");

describe("a secret box", () => {
  it("decrypts what it encrypted, and shows nothing of it in between", () => {
    for (const secret of [SECRET, "", "كلمة ß"]) {
      const sealed = box.seal(secret);
      expect(isSealed(sealed)).toBe(true);
      expect(Buffer.from(sealed.replace("sealed:v1:", ""), "base64url").toString("latin1")).not.toContain(
        SECRET,
      );
      expect(box.open(sealed)).toBe(secret);
    }
  });

  it("encrypts the same secret to a different text each time", () => {
    expect(box.seal(SECRET)).not.toBe(box.seal(SECRET));
  });

  it("returns a plain secret of the earlier service as it is", () => {
    expect(isSealed(SECRET)).toBe(false);
    expect(box.open(SECRET)).toBe(SECRET);
  });

  it("refuses a secret encrypted with another Sovereign's key", () => {
    const other = createSecretBox("a-key-of-other-sovereign-01234567");
    expect(() => other.open(box.seal(SECRET))).toThrow();
  });

  it("refuses a changed text: the prefix alone, a truncation, or one bit in nonce, tag or body", () => {
    const bytes = Buffer.from(box.seal(SECRET).replace("sealed:v1:", ""), "base64url");
    const changed = [0, 12, 28, bytes.length - 1].map((at) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
      return copy;
    });
    for (const wrong of [...changed, bytes.subarray(0, 0), bytes.subarray(0, 20), bytes.subarray(0, -1)])
      expect(() => box.open(`sealed:v1:${wrong.toString("base64url")}`)).toThrow();
  });
});

import { createHmac } from "node:crypto";

export const FQDN = "bench.catalyst.example";
export const JWT_SECRET = "a-secret-for-nothing-but-the-bench-0123456789";
const LIFETIME_S = 15 * 60;

/** An HS256 token as today's service accepts it. It is made here, because thousands are needed before a measurement begins. */
export function tokenOf(userId: string): string {
  const nowS = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({
    sub: userId,
    email: `${userId}@example.om`,
    role: "member",
    iat: nowS,
    exp: nowS + LIFETIME_S,
  })}`;
  return `${signed}.${createHmac("sha256", JWT_SECRET).update(signed).digest("base64url")}`;
}

let customerCount = 0;
/** A customer that no earlier request used. */
export function nextCustomer(): { userId: string; tenantId: string } {
  customerCount += 1;
  const userId = `bench-${process.pid}-${customerCount}`;
  return { userId, tenantId: `${userId}-shop` };
}

import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";

/** A caller of a Sovereign's voucher API. */
export interface Person {
  id: string;
  email: string;
  role: "superadmin" | "sovereign-admin" | "customer";
}

/** Lifetime of an HS256 token, as the earlier service has it. */
const TOKEN_LIFETIME_SECONDS = 900;

export function newCustomer(name: string): Person {
  return { id: `${name}-${randomUUID().slice(0, 8)}`, email: `${name}@example.om`, role: "customer" };
}

/** An HS256 token of a Sovereign. Its claims are `sub`, `email`, `role`, `iat` and `exp`. */
export function signIn(person: Person, jwtSecret: string): Promise<string> {
  return new SignJWT({ email: person.email, role: person.role })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(person.id)
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_LIFETIME_SECONDS}s`)
    .sign(new TextEncoder().encode(jwtSecret));
}

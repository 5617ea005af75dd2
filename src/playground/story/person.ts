import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";

/** Somebody who calls a Sovereign's voucher API. */
export interface Person {
  id: string;
  email: string;
  role: "superadmin" | "sovereign-admin" | "customer";
}

/** The earlier service's token life, and ours for HS256. */
const TOKEN_LIFE_SECONDS = 900;

export function newCustomer(name: string): Person {
  return { id: `${name}-${randomUUID().slice(0, 8)}`, email: `${name}@example.om`, role: "customer" };
}

/** Today's HS256 token of a Sovereign: claims `sub`, `email`, `role`, `iat`, `exp` and nothing else. */
export function signIn(person: Person, jwtSecret: string): Promise<string> {
  return new SignJWT({ email: person.email, role: person.role })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(person.id)
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_LIFE_SECONDS}s`)
    .sign(new TextEncoder().encode(jwtSecret));
}

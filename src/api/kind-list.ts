import { BILLING_RELEASE } from "./billing-release.ts";
import { BLUEPRINT } from "./blueprint.ts";
import { ENVIRONMENT_POLICY } from "./environment-policy.ts";
import { FRANCHISE } from "./franchise.ts";
import type { KindDefinition } from "./kind.ts";
import { ORGANIZATION } from "./organization.ts";
import { SOVEREIGN } from "./sovereign.ts";

/** All kinds of the group. */
export const KINDS: readonly KindDefinition[] = [
  SOVEREIGN,
  BILLING_RELEASE,
  FRANCHISE,
  BLUEPRINT,
  ENVIRONMENT_POLICY,
  ORGANIZATION,
];

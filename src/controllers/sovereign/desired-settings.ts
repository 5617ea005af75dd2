import { grantsBranding, grantsTier } from "../../admission/rules/sovereign.ts";
import type { Franchise } from "../../api/franchise.ts";
import { SETTINGS_ACCEPTED, type Sovereign } from "../../api/sovereign.ts";
import { falseCondition, trueCondition } from "./status.ts";

type Spec = Sovereign["spec"];

/** The allowed settings that billing shows and sells. */
export interface Settings {
  branding: NonNullable<Spec["branding"]>;
  tiers: NonNullable<Spec["tiers"]>;
  addons: NonNullable<Spec["addons"]>;
  /** The settings that were left out, each with the remedy. */
  refused: { reason: "GrantExceeded" | "HostTaken"; message: string }[];
}

/**
 * The settings of a Sovereign without those that admission would deny. Such settings may have been written while the
 * webhook was unreachable, or before the grant became smaller. A Franchise that does not exist grants nothing.
 */
export function desiredSettings({
  sovereign: { spec },
  franchise,
  isHostTaken,
}: {
  sovereign: Sovereign;
  franchise: Franchise | undefined;
  /** Whether another Sovereign serves `spec.branding.hostname`. */
  isHostTaken: boolean;
}): Settings {
  const { tiers = [], addons = [], branding = {} } = spec;
  const isFree = spec.franchise === undefined;
  const refused: Settings["refused"] = [];
  const refuse = (path: string, what: string) =>
    void refused.push({
      reason: "GrantExceeded",
      message: `${path}: Franchise ${spec.franchise} does not grant ${what}: remove it, or ask the platform team for the grant`,
    });
  const mayBrand = isFree || (franchise !== undefined && grantsBranding(franchise));
  if (!mayBrand && Object.keys(branding).length > 0) refuse("spec.branding", "branding");
  const isGranted = (id: string) => isFree || (franchise !== undefined && grantsTier(franchise, id));
  for (const { id } of tiers) if (!isGranted(id)) refuse(`spec.tiers[${id}]`, `tier ${id}`);
  if (isHostTaken)
    refused.push({
      reason: "HostTaken",
      message: `spec.branding.hostname: another Sovereign serves ${branding.hostname}: choose another host name`,
    });
  const { hostname, ...unnamed } = branding;
  const allowed = isHostTaken ? unnamed : branding;
  return {
    branding: mayBrand ? allowed : {},
    tiers: tiers.filter(({ id }) => isGranted(id)),
    addons,
    refused,
  };
}

/** The condition `SettingsAccepted`. Its message lists only the first refusals, because a condition has a limited length. */
export function settingsCondition({ refused }: Settings) {
  const [first] = refused;
  return first === undefined
    ? trueCondition(SETTINGS_ACCEPTED, "Accepted", "billing has all branding, tiers and add-ons of the spec")
    : falseCondition(
        SETTINGS_ACCEPTED,
        first.reason,
        [
          ...refused.slice(0, MAX_SHOWN).map(({ message }) => message),
          ...(refused.length > MAX_SHOWN ? [`and ${refused.length - MAX_SHOWN} more`] : []),
        ].join("; "),
      );
}

const MAX_SHOWN = 5;

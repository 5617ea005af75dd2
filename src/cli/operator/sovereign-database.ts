import { isConditionTrue } from "../../api/condition.ts";
import { PAYMENT_KEYS, sovereignNamespace } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import type { PaymentKeys } from "../../billing/payment/settings.ts";
import type { KubeClient } from "../../kube/client.ts";
import { SECRETS } from "../../kube/resource.ts";

type SecretObject = KubernetesObject & { data?: Record<string, string> };

export interface SovereignSecrets {
  databaseUrl: string;
  /** Present where the Sovereign takes HS256 tokens. */
  jwtSecret: string | undefined;
  /** Present where the Sovereign names a Secret for them. */
  paymentKeys: PaymentKeys | undefined;
}

/** Whether its database has the schema, so that somebody may work on it. */
export const isMigrated = ({ spec, status }: Sovereign): boolean =>
  spec.cluster === undefined &&
  !spec.suspend &&
  isConditionTrue(status?.conditions, SOVEREIGN_CONDITION.migrated);

/** Reads what a Sovereign's manifest refers to; undefined while it is not there. */
export async function readSovereignSecrets(
  client: KubeClient,
  sovereign: Sovereign,
): Promise<SovereignSecrets | undefined> {
  const namespace = sovereignNamespace(sovereign.metadata.name, sovereign.spec.namespace);
  const read = async ({ name, key }: { name: string; key: string }) => {
    const value = (await client.get<SecretObject>(SECRETS, { name, namespace }))?.data?.[key];
    return value === undefined ? undefined : Buffer.from(value, "base64").toString();
  };
  const { database, auth, payments } = sovereign.spec.billing;
  const databaseUrl = await read(database.secretRef);
  const jwtSecret = auth.secretRef === undefined ? undefined : await read(auth.secretRef);
  return databaseUrl === undefined
    ? undefined
    : { databaseUrl, jwtSecret, paymentKeys: payments && (await readPaymentKeys(payments.secretRef.name)) };

  async function readPaymentKeys(name: string): Promise<PaymentKeys | undefined> {
    const secretKey = await read({ name, key: PAYMENT_KEYS.secretKey });
    const webhookSecret = (await read({ name, key: PAYMENT_KEYS.webhookSecret })) ?? "";
    const publicKey = (await read({ name, key: PAYMENT_KEYS.publicKey })) ?? "";
    return secretKey === undefined ? undefined : { secretKey, webhookSecret, publicKey };
  }
}

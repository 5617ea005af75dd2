import { type ConfigMapObject, type SecretObject, secretValue } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import { CONFIG_MAPS, keyOf, SECRETS } from "../../kube/resource.ts";
import { parseCertificateBundle } from "../../platform/certificate-bundle.ts";
import { errorMessage } from "../../platform/errors.ts";
import { namespaceOf } from "./desired-metadata.ts";

type Reference = NonNullable<Sovereign["spec"]["billing"]["auth"]["caCertificateRef"]>;

/** Why the authorities of the issuer's certificate cannot be used. The message never contains the value. */
interface AuthorityProblem {
  reason: "ConfigMapMissing" | "SecretMissing" | "KeyMissing" | "KeyInvalid";
  message: string;
}

/** The authorities of the issuer's certificate as PEM. Both are undefined when the Sovereign names none. */
export interface IssuerAuthority {
  pem?: string;
  problem?: AuthorityProblem;
}

/** Reads the object that `auth.caCertificateRef` names, and parses its value. */
export async function readIssuerAuthority(
  client: Pick<KubeClient, "get">,
  sovereign: Sovereign,
): Promise<IssuerAuthority> {
  const reference = sovereign.spec.billing.auth.caCertificateRef;
  if (reference === undefined) return {};
  const { kind, name, key } = reference;
  const namespace = namespaceOf(sovereign);
  const at = `${kind} ${namespace}/${name}`;
  const stored = await readObject(client, reference, namespace);
  if (stored === undefined)
    return problem(
      `${kind}Missing`,
      `${at} does not exist: create it with the authorities of the issuer's certificate, in PEM, under key ${key}`,
    );
  const value = stored(key);
  if (value === undefined)
    return problem(
      "KeyMissing",
      `${at} has no key ${key}: add it with the authorities of the issuer's certificate, in PEM`,
    );
  try {
    return { pem: parseCertificateBundle(value) };
  } catch (error) {
    return problem("KeyInvalid", `${at}, key ${key}: the value must ${errorMessage(error)}`);
  }
}

const problem = (reason: AuthorityProblem["reason"], message: string): IssuerAuthority => ({
  problem: { reason, message },
});

/** The value of each key; undefined when the object does not exist. */
async function readObject(
  client: Pick<KubeClient, "get">,
  { kind, name }: Reference,
  namespace: string,
): Promise<((key: string) => string | undefined) | undefined> {
  if (kind === "Secret") {
    const secret = await client.get<SecretObject>(SECRETS, { name, namespace });
    return secret && ((key) => secretValue(secret, key));
  }
  const configMap = await client.get<ConfigMapObject>(CONFIG_MAPS, { name, namespace });
  return configMap && ((key) => configMap.data?.[key]);
}

/** The key of the object that the Sovereign names, when it is of this kind. */
export function authorityKeys(sovereign: Sovereign, kind: Reference["kind"]): string[] {
  const reference = sovereign.spec.billing.auth.caCertificateRef;
  const namespace = namespaceOf(sovereign);
  return reference?.kind === kind ? [keyOf({ name: reference.name, namespace })] : [];
}

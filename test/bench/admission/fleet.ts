import { API_VERSION } from "../../../src/api/kind.ts";
import { LABEL } from "../../../src/api/label.ts";
import { SYSTEM_NAMESPACE, sovereignNamespace, TRUST_CONFIG_MAP } from "../../../src/api/name.ts";

/** The number of objects in the caches. It decides how long look-ups take. */
export interface FleetSize {
  franchises: number;
  sovereigns: number;
  organizations: number;
  /** Namespaces of all kinds: homes of Organizations, environments, Sovereigns' and ordinary ones. */
  namespaces: number;
}

interface Seed {
  path: string;
  body: object;
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
export const franchiseName = (index: number) => `franchise-${index}`;
export const sovereignName = (index: number) => `country-${index}`;
export const organizationName = (index: number) => `tenant-${index}`;
/** The name of an Organization's environment. Every second Organization has one. */
export const environmentName = (index: number) => `${organizationName(index)}-prod`;
export const ordinaryName = (index: number) => `team-${index}`;

const product = (kind: string, plural: string, name: string, spec: object): Seed => ({
  path: `/apis/${API_VERSION}/${plural}`,
  body: { apiVersion: API_VERSION, kind, metadata: { name }, spec },
});

const namespace = (name: string, labels: Record<string, string> = {}): Seed => ({
  path: "/api/v1/namespaces",
  body: { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
});

const franchise = (index: number) =>
  product("Franchise", "franchises", franchiseName(index), {
    franchisee: { legalName: `Franchise ${index}`, contactEmail: `cloud@${franchiseName(index)}.example` },
    subjects: [
      { kind: "User", name: `${franchiseName(index)}-admin` },
      { kind: "User", name: `${franchiseName(index)}-deputy` },
      { kind: "Group", name: `${franchiseName(index)}-operators` },
    ],
    grants: { branding: true, tiers: ["starter", "business"], privateBlueprints: { max: 10 } },
    term: { start: "2026-01-01T00:00:00Z", end: "2036-01-01T00:00:00Z" },
  });

/** The spec of a Sovereign. It is suspended, so that the operator deploys nothing while it is measured. */
export const sovereignSpec = (index: number, franchises: number) => ({
  fqdn: `${sovereignName(index)}.example`,
  role: "Franchised",
  franchise: franchiseName(index % franchises),
  suspend: true,
  billing: {
    release: "stable",
    replicas: 2,
    database: { secretRef: { name: "billing-db" } },
    auth: { secretRef: { name: "billing-jwt" } },
    ingress: { host: `billing.${sovereignName(index)}.example` },
  },
  branding: { displayName: `Country ${index}` },
  tiers: [{ id: "starter", name: "Starter", priceBaisa: 5_000 }],
});

const organization = (index: number, sovereigns: number) =>
  product("Organization", "organizations", organizationName(index), {
    displayName: `Tenant ${index}`,
    owner: `owner-${index}`,
    members: [
      { kind: "User", name: `member-${index}` },
      { kind: "Group", name: `${organizationName(index)}-developers` },
    ],
    sovereign: sovereignName(index % sovereigns),
  });

/** Namespaces that the operator does not create. It creates only the homes of Organizations. */
function namespaces(size: FleetSize): Seed[] {
  const environments = Math.ceil(size.organizations / 2);
  const ordinary = Math.max(2, size.namespaces - size.organizations - environments - size.sovereigns);
  return [
    ...numbers(size.sovereigns).map((index) =>
      namespace(sovereignNamespace(sovereignName(index)), { [LABEL.sovereign]: sovereignName(index) }),
    ),
    ...numbers(environments).map((index) =>
      namespace(environmentName(index), {
        [LABEL.organization]: organizationName(index),
        [LABEL.environment]: "prod",
      }),
    ),
    ...numbers(ordinary).map((index) => namespace(ordinaryName(index))),
    namespace("cert-manager"),
    namespace("flux-system"),
  ];
}

/** The trust ConfigMap of the platform, with one key for images. */
const trust = (publicKey: string): Seed => ({
  path: `/api/v1/namespaces/${SYSTEM_NAMESPACE}/configmaps`,
  body: {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: TRUST_CONFIG_MAP, namespace: SYSTEM_NAMESPACE },
    data: { "trust.yaml": JSON.stringify({ trust: [{ publicKey }] }) },
  },
});

export function fleetSeeds(size: FleetSize, publicKey: string): Seed[] {
  return [
    trust(publicKey),
    ...numbers(size.franchises).map(franchise),
    ...numbers(size.sovereigns).map((index) =>
      product("Sovereign", "sovereigns", sovereignName(index), sovereignSpec(index, size.franchises)),
    ),
    ...numbers(size.organizations).map((index) => organization(index, size.sovereigns)),
    ...namespaces(size),
  ];
}

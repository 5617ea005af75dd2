/** The group that holds every right of RBAC. */
export const WIDE_GROUP = "wide";

/** Identities that send requests. All hold every right of RBAC, as a careless administrator could grant. */
export const PEOPLE = {
  platform: user("ops", "catalyst:platform"),
  /** Another one of the platform. */
  zahra: user("zahra", "catalyst:platform"),
  omantel: user("omantel-admin"),
  ooredoo: user("ooredoo-admin"),
  /** A Franchisee whose term has ended. */
  expired: user("expired-admin"),
  /** The owner of Organization acme. */
  amal: user("amal"),
  /** A member of Organization acme through a group. */
  developer: user("dana", "acme-developers"),
  /** The owner of Organization globex. */
  basim: user("basim"),
  stranger: user("mallory"),
  pipeline: user("ci", "catalyst:pipeline"),
  /** The pipeline of Organization acme: a member, so that it may install there. */
  acmePipeline: user("acme-ci", "catalyst:pipeline", "acme-developers"),
  /** Groups whose names only resemble those of the platform. */
  lookalike: user("eve", "system:master", "catalyst:platforms", "system:node"),
  acmeAccount: account("acme-prod", "robot"),
  globexAccount: account("globex-prod", "robot"),
  ordinaryAccount: account("shop", "robot"),
  /** Holds a token of the account. helm-controller impersonates the account, and has no token of it. */
  acmeTokenHolder: { ...account("acme-prod", "robot"), uid: "a-1" },
  ordinaryTokenHolder: { ...account("shop", "robot"), uid: "a-2" },
  /** A Franchisee who is a member of Organization acme. */
  omantelMember: user("omantel-admin", "acme-developers"),
  /** A Franchisee in groups whose names only begin like those of nodes. */
  lookalikeNode: user("omantel-admin", "system:nodes:x", "system:nodesx"),
  platformTenant: user("mallory", "catalyst:platform"),
  /** Acts for Franchise omantel. */
  sellerAccount: account("bazaar", "franchisee"),
  /** A namespace whose name begins like the platform's. */
  lookalikeAccount: account("kube-system-tools", "robot"),
  certManager: account("cert-manager", "cert-manager"),
  externalSecrets: account("external-secrets", "external-secrets"),
  ingressNginx: account("ingress-nginx", "ingress-nginx"),
  /** A subject of Franchise omantel, besides being a controller. */
  listedController: account("ingress-nginx", "seller"),
  /** A member of Organization acme, besides being a controller. */
  cloudNativePg: account("cnpg-system", "cnpg-manager"),
  kyverno: account("kyverno", "kyverno-background-controller"),
  autoscaler: account("kube-system", "horizontal-pod-autoscaler"),
  garbageCollector: account("kube-system", "generic-garbage-collector"),
  namespaceController: account("kube-system", "namespace-controller"),
  deploymentController: account("kube-system", "deployment-controller"),
  hub: account("catalyst-system", "catalyst-hub"),
  operator: account("catalyst-system", "catalyst-operator"),
  helmController: account("flux-system", "helm-controller"),
  scheduler: user("system:kube-scheduler"),
  controllerManager: user("system:kube-controller-manager"),
  kubelet: user("system:node:node-1", "system:nodes"),
  joiningNode: user("system:bootstrap:abcdef", "system:bootstrappers"),
} as const;

export type Person = keyof typeof PEOPLE;

export interface Identity {
  user: string;
  groups: readonly string[];
  uid?: string;
}

function user(name: string, ...groups: string[]): Identity {
  return { user: name, groups: ["system:authenticated", WIDE_GROUP, ...groups] };
}

function account(namespace: string, name: string): Identity {
  return user(
    `system:serviceaccount:${namespace}:${name}`,
    "system:serviceaccounts",
    `system:serviceaccounts:${namespace}`,
  );
}

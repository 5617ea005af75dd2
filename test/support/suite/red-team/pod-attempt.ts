import { type Attempt, core, group, on, onEmbedded, post, put, strategicPatch } from "./attempt.ts";
import {
  accountToken,
  deployment,
  helmRelease,
  ingress,
  named,
  pod,
  role,
  SIGNED,
  secret,
  tokenRequest,
} from "./object.ts";
import type { Person } from "./person.ts";

const container = (members: object) => ({ containers: [{ name: "app", image: SIGNED, ...members }] });
const secured = (securityContext: object) => container({ securityContext });
const volume = (source: object) => ({ volumes: [{ name: "host", ...source }] });

/** Members of a Pod specification by which a Pod reaches its node. */
const ESCAPES: readonly [string, Record<string, unknown>][] = [
  ["displaces Pods of the platform", { priorityClassName: "system-node-critical" }],
  ["shares the node's network", { hostNetwork: true }],
  ["shares the node's processes", { hostPID: true }],
  ["shares the node's IPC", { hostIPC: true }],
  ["mounts a folder of the node", volume({ hostPath: { path: "/" } })],
  ["mounts an NFS share", volume({ nfs: { server: "10.0.0.1", path: "/" } })],
  [
    "mounts an iSCSI disk",
    volume({ iscsi: { targetPortal: "10.0.0.1", iqn: "iqn.2026-01.test:x", lun: 0 } }),
  ],
  ["mounts a git repository", volume({ gitRepo: { repository: "https://git.test/x" } })],
  ["adds SYS_ADMIN", secured({ capabilities: { add: ["SYS_ADMIN"] } })],
  ["adds all capabilities", secured({ capabilities: { add: ["ALL"] } })],
  ["opens a port of the node", container({ ports: [{ containerPort: 80, hostPort: 80 }] })],
  ["removes seccomp", secured({ seccompProfile: { type: "Unconfined" } })],
  ["removes AppArmor", { securityContext: { appArmorProfile: { type: "Unconfined" } } }],
  ["sets a sysctl of the node", { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } }],
  ["has the SELinux type of a privileged container", secured({ seLinuxOptions: { type: "spc_t" } })],
  ["has a SELinux user", { securityContext: { seLinuxOptions: { user: "system_u" } } }],
  [
    "probes an address through the kubelet",
    container({ livenessProbe: { httpGet: { host: "169.254.169.254", port: 80 } } }),
  ],
  [
    "calls an address through the kubelet when it starts",
    container({ lifecycle: { postStart: { httpGet: { host: "169.254.169.254", port: 80 } } } }),
  ],
];

const HOMES: readonly [Person, string][] = [
  ["stranger", "shop"],
  ["amal", "acme-prod"],
];

const ISOLATION: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...ESCAPES.flatMap(([title, members]) => [
    on(
      `runs a Pod that ${title} in ${at}`,
      by,
      post(core(at, "pods"), pod("evil", SIGNED, members)),
      "pod-isolation",
    ),
    on(
      `runs a Deployment that ${title} in ${at}`,
      by,
      post(group("apps/v1", at, "deployments"), deployment("evil", SIGNED, members)),
      "pod-isolation",
    ),
  ]),
  // A kube-apiserver without --allow-privileged refuses it by itself.
  onEmbedded(
    `runs a privileged Pod in ${at}`,
    by,
    post(core(at, "pods"), pod("evil", SIGNED, secured({ privileged: true }))),
    "pod-isolation",
  ),
  on(
    `lets a Deployment see the node's processes in ${at}`,
    by,
    strategicPatch(group("apps/v1", at, "deployments/app"), {
      spec: { template: { spec: { hostPID: true } } },
    }),
    "pod-isolation",
  ),
  on(
    `removes AppArmor by an annotation in ${at}`,
    by,
    post(group("apps/v1", at, "deployments"), {
      ...named("apps/v1", "Deployment", "evil"),
      spec: {
        selector: { matchLabels: { app: "evil" } },
        template: {
          metadata: {
            labels: { app: "evil" },
            annotations: { "container.apparmor.security.beta.kubernetes.io/app": "unconfined" },
          },
          spec: container({}),
        },
      },
    }),
    "pod-isolation",
  ),
]);

const rule = (apiGroups: string[], resources: string[], verbs: string[]) => ({ apiGroups, resources, verbs });
const RBAC = "rbac.authorization.k8s.io";

const GRANTS: readonly [string, ReturnType<typeof rule>][] = [
  ["everything", rule(["*"], ["*"], ["*"])],
  ["impersonation of ServiceAccounts", rule([""], ["serviceaccounts"], ["impersonate"])],
  ["every verb on ServiceAccounts' tokens", rule([""], ["serviceaccounts/token"], ["*"])],
  ["tokens by a wildcard subresource", rule([""], ["*/token"], ["create"])],
  ["escalation of Roles", rule([RBAC], ["roles"], ["escalate"])],
  ["binding of ClusterRoles", rule([RBAC], ["clusterroles"], ["bind"])],
  ["every verb on Roles", rule([RBAC], ["*"], ["*"])],
  ["impersonation by a newer verb", rule(["authentication.k8s.io"], ["users"], ["impersonate:user-info"])],
];

const ROLES: readonly Attempt[] = HOMES.flatMap(([by, at]) =>
  GRANTS.map(([title, granted]) =>
    on(
      `creates a Role for ${title} in ${at}`,
      by,
      post(group(`${RBAC}/v1`, at, "roles"), role("mine", granted)),
      "rbac-escalation",
    ),
  ),
);

/** In namespace `bazaar`, ServiceAccount `franchisee` acts for Franchise omantel. */
const ACCOUNTS: readonly Attempt[] = [
  on(
    "requests a token of a Franchisee's ServiceAccount",
    "stranger",
    post(core("bazaar", "serviceaccounts/franchisee/token"), tokenRequest),
    "service-account-identity",
  ),
  on(
    "requests a token of another Franchisee's ServiceAccount",
    "ooredoo",
    post(core("bazaar", "serviceaccounts/franchisee/token"), tokenRequest),
    "service-account-identity",
  ),
  on(
    "writes a Secret with a token of a Franchisee's ServiceAccount",
    "stranger",
    post(core("bazaar", "secrets"), secret("stolen", accountToken("franchisee"))),
    "service-account-identity",
  ),
  on(
    "runs a Pod as a Franchisee's ServiceAccount",
    "stranger",
    post(core("bazaar", "pods"), pod("evil", SIGNED, { serviceAccountName: "franchisee" })),
    "service-account-identity",
  ),
  on(
    "runs a Deployment as a Franchisee's ServiceAccount, by the old field",
    "stranger",
    post(
      group("apps/v1", "bazaar", "deployments"),
      deployment("evil", SIGNED, { serviceAccount: "franchisee" }),
    ),
    "service-account-identity",
  ),
  on(
    "installs a HelmRelease as a Franchisee's ServiceAccount",
    "stranger",
    post(
      group("helm.toolkit.fluxcd.io/v2", "bazaar", "helmreleases"),
      helmRelease("evil", { serviceAccountName: "franchisee" }),
    ),
    "service-account-identity",
  ),
];

const NETWORK = "networking.k8s.io/v1";
const GATEWAY = "gateway.networking.k8s.io/v1";
const HOSTS = ["omantel.test", "*.test", "marketplace.omantel.test", "*.omantel.test"];
const route = (hostname: string) => named(GATEWAY, "HTTPRoute", "evil", { spec: { hostnames: [hostname] } });
const gateway = (hostname: string) =>
  named(GATEWAY, "Gateway", "evil", { spec: { listeners: [{ name: "web", hostname, port: 80 }] } });

const TRAFFIC: readonly Attempt[] = [
  ...HOSTS.flatMap((host) => [
    on(
      `serves ${host} by an Ingress`,
      "stranger",
      post(group(NETWORK, "shop", "ingresses"), ingress("evil", host)),
      "sovereign-host",
    ),
    on(
      `serves ${host} by a route`,
      "amal",
      post(group(GATEWAY, "acme-prod", "httproutes"), route(host)),
      "sovereign-host",
    ),
    on(
      `serves ${host} by a Gateway`,
      "stranger",
      post(group(GATEWAY, "shop", "gateways"), gateway(host)),
      "sovereign-host",
    ),
  ]),
  on(
    "terminates TLS for a Sovereign's host",
    "stranger",
    post(
      group(NETWORK, "shop", "ingresses"),
      named(NETWORK, "Ingress", "evil", {
        spec: {
          tls: [{ hosts: ["omantel.test"], secretName: "x" }],
          defaultBackend: { service: { name: "app", port: { number: 80 } } },
        },
      }),
    ),
    "sovereign-host",
  ),
  on(
    "moves an Ingress to a Sovereign's host",
    "stranger",
    put(group(NETWORK, "shop", "ingresses/app"), ingress("app", "omantel.test")),
    "sovereign-host",
  ),
  on(
    "serves a Sovereign's host by an alias",
    "stranger",
    post(
      group(NETWORK, "shop", "ingresses"),
      ingress("evil", "mine.test.example", {
        metadata: { annotations: { "nginx.ingress.kubernetes.io/server-alias": "x.example, omantel.test" } },
      }),
    ),
    "sovereign-host",
  ),
];

export const POD_ATTEMPTS: readonly Attempt[] = [...ISOLATION, ...ROLES, ...ACCOUNTS, ...TRAFFIC];

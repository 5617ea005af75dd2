import { API_VERSION } from "../../../src/api/kind.ts";
import { organizationNamespace, sovereignNamespace } from "../../../src/api/name.ts";
import { imageOf } from "./artifact.ts";
import {
  environmentName,
  type FleetSize,
  franchiseName,
  ordinaryName,
  organizationName,
  sovereignName,
  sovereignSpec,
} from "./fleet.ts";
import type { SentReview } from "./load-process-message.ts";

import { DEPLOYMENT, deployment, metadata, pod, review } from "./review-object.ts";

const denied = (name: string, sent: object): SentReview => ({ name, isAllowed: false, review: sent });
const allowed = (name: string, sent: object): SentReview => ({ name, isAllowed: true, review: sent });

const scaled = (namespace: string, user: { username: string; groups?: string[] }) =>
  review("UPDATE", { ...DEPLOYMENT, namespace, name: "app" }, user, {
    object: deployment("app", namespace, imageOf(0), 4),
    oldObject: deployment("app", namespace, imageOf(0), 2),
  });

/** Requests that are denied without a request to a registry, one set for each kind of namespace. */
export function deniedReviews(size: FleetSize): SentReview[] {
  const franchisee = { username: `${franchiseName(size.franchises - 1)}-admin` };
  const stranger = { username: "mallory", groups: ["developers", "on-call"] };
  const sovereign = sovereignNamespace(sovereignName(size.sovereigns - 1));
  const RBAC = "rbac.authorization.k8s.io/v1";
  return [
    denied("scale in a Sovereign's namespace", scaled(sovereign, franchisee)),
    denied("scale in a foreign environment", scaled(environmentName(1), stranger)),
    denied(
      "bind a cluster role",
      review(
        "CREATE",
        { version: RBAC, kind: "ClusterRoleBinding", resource: "clusterrolebindings", name: "mine" },
        franchisee,
        {
          object: {
            ...{ apiVersion: RBAC, kind: "ClusterRoleBinding" },
            metadata: metadata("mine"),
            roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
            subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: franchisee.username }],
          },
        },
      ),
    ),
    denied(
      "execute in a Pod of kube-system",
      review(
        "CONNECT",
        {
          version: "v1",
          kind: "PodExecOptions",
          resource: "pods",
          subresource: "exec",
          namespace: "kube-system",
          name: "coredns-0",
        },
        stranger,
        {
          object: {
            kind: "PodExecOptions",
            apiVersion: "v1",
            stdin: true,
            stdout: true,
            tty: true,
            container: "coredns",
            command: ["sh"],
          },
        },
      ),
    ),
    denied(
      "run an image by tag",
      review(
        "CREATE",
        { version: "v1", kind: "Pod", resource: "pods", namespace: ordinaryName(0), name: "app-0" },
        stranger,
        {
          object: pod("app-0", ordinaryName(0), "registry.bench/shop:latest"),
        },
      ),
    ),
    denied(
      "install by a Kustomization",
      review(
        "CREATE",
        {
          version: "kustomize.toolkit.fluxcd.io/v1",
          kind: "Kustomization",
          resource: "kustomizations",
          namespace: ordinaryName(1),
          name: "apps",
        },
        franchisee,
        {
          object: {
            ...{ apiVersion: "kustomize.toolkit.fluxcd.io/v1", kind: "Kustomization" },
            metadata: metadata("apps", ordinaryName(1)),
            spec: {
              interval: "10m",
              path: "./apps",
              prune: true,
              sourceRef: { kind: "GitRepository", name: "apps" },
            },
          },
        },
      ),
    ),
  ];
}

/** Requests that are allowed without a request to a registry, one set for each kind of namespace. */
export function allowedReviews(size: FleetSize): SentReview[] {
  const owner = { username: "owner-0", groups: ["developers", "on-call"] };
  const home = organizationNamespace(organizationName(0));
  const country = size.sovereigns - 1;
  const franchisee = { username: `${franchiseName(country % size.franchises)}-admin` };
  const certManager = {
    username: "system:serviceaccount:cert-manager:cert-manager",
    groups: ["system:serviceaccounts", "system:serviceaccounts:cert-manager"],
  };
  const certificate = {
    ...{ apiVersion: "cert-manager.io/v1", kind: "Certificate" },
    metadata: metadata("site", environmentName(0)),
    spec: {
      secretName: "site-tls",
      dnsNames: ["site.example"],
      issuerRef: { name: "public", kind: "ClusterIssuer" },
    },
  };
  const sovereign = {
    ...{ apiVersion: API_VERSION, kind: "Sovereign" },
    metadata: metadata(sovereignName(country)),
    spec: sovereignSpec(country, size.franchises),
  };
  return [
    allowed("scale in one's environment", scaled(environmentName(0), owner)),
    allowed("scale in an ordinary namespace", scaled(ordinaryName(0), owner)),
    allowed(
      "create a ConfigMap at home",
      review(
        "CREATE",
        { version: "v1", kind: "ConfigMap", resource: "configmaps", namespace: home, name: "settings" },
        owner,
        {
          object: {
            ...{ apiVersion: "v1", kind: "ConfigMap" },
            metadata: metadata("settings", home),
            data: { colour: "red", text: "x".repeat(1_000) },
          },
        },
      ),
    ),
    allowed(
      "write a Certificate's status",
      review(
        "UPDATE",
        {
          version: "cert-manager.io/v1",
          kind: "Certificate",
          resource: "certificates",
          subresource: "status",
          namespace: environmentName(0),
          name: "site",
        },
        certManager,
        { object: { ...certificate, status: { notAfter: "2027-01-01T00:00:00Z" } }, oldObject: certificate },
      ),
    ),
    allowed(
      "set a Sovereign's colour",
      review(
        "UPDATE",
        { version: API_VERSION, kind: "Sovereign", resource: `sovereigns`, name: sovereignName(country) },
        franchisee,
        {
          object: {
            ...sovereign,
            spec: { ...sovereign.spec, branding: { ...sovereign.spec.branding, colour: "#00ff00" } },
          },
          oldObject: sovereign,
        },
      ),
    ),
    allowed(
      "create an ordinary namespace",
      review(
        "CREATE",
        { version: "v1", kind: "Namespace", resource: "namespaces", namespace: "team-new", name: "team-new" },
        owner,
        {
          object: {
            ...{ apiVersion: "v1", kind: "Namespace" },
            metadata: metadata("team-new"),
            spec: { finalizers: ["kubernetes"] },
          },
        },
      ),
    ),
  ];
}

/** Pods whose images the platform signed. Each names another image of the bench's registry. */
export const signedReviews = (first: number, count: number): SentReview[] =>
  Array.from({ length: count }, (_, index) => {
    const namespace = ordinaryName(0);
    const name = `app-${first + index}`;
    return allowed(
      "run a signed image",
      review(
        "CREATE",
        { version: "v1", kind: "Pod", resource: "pods", namespace, name },
        { username: "owner-0" },
        {
          object: pod(name, namespace, imageOf(first + index)),
        },
      ),
    );
  });

/** The largest object that the API server accepts, written by a member of the Organization that has the environment. */
export function largeReview(): SentReview {
  const namespace = environmentName(0);
  const data = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, index) => [`file-${index}`, "x".repeat(1_000)]),
  );
  const large = allowed(
    "create an object of 3 MiB",
    review(
      "CREATE",
      { version: "v1", kind: "ConfigMap", resource: "configmaps", namespace, name: "large" },
      { username: "owner-0" },
      {
        object: { ...{ apiVersion: "v1", kind: "ConfigMap" }, metadata: metadata("large", namespace), data },
      },
    ),
  );
  return { ...large, mayTimeOut: true };
}

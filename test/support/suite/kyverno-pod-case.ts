import { at, container, create, type KyvernoCase } from "./kyverno-case-builder.ts";
import { cronJob, deployment, pod, SIGNED } from "./red-team/object.ts";

export const PODS: readonly KyvernoCase[] = [
  create("image-digest", "runs a tag", at("shop", pod("a", "nginx:1"))),
  create("image-digest", "runs a tag in a Deployment", at("shop", deployment("a", "nginx:1"))),
  create("image-digest", "runs a tag in a CronJob", at("shop", cronJob("a", "nginx:1"))),
  create(
    "image-digest",
    "runs a tag as an init container",
    at("shop", pod("a", SIGNED, { initContainers: [{ name: "b", image: "nginx:1" }] })),
  ),
  create("pod-isolation", "shares the node's network", at("shop", pod("a", SIGNED, { hostNetwork: true }))),
  create(
    "pod-isolation",
    "shares the node's processes from a Deployment",
    at("shop", deployment("a", SIGNED, { hostPID: true })),
  ),
  create(
    "pod-isolation",
    "mounts the node's files",
    at("shop", pod("a", SIGNED, { volumes: [{ name: "v", hostPath: { path: "/" } }] })),
  ),
  create(
    "pod-isolation",
    "mounts a share by an inline volume",
    at("shop", pod("a", SIGNED, { volumes: [{ name: "v", csi: { driver: "nfs.csi.k8s.io" } }] })),
  ),
  create(
    undefined,
    "mounts Secrets by an inline volume",
    at("shop", pod("a", SIGNED, { volumes: [{ name: "v", csi: { driver: "secrets-store.csi.k8s.io" } }] })),
  ),
  create(
    "pod-isolation",
    "runs privileged",
    at("shop", pod("a", SIGNED, container({ securityContext: { privileged: true } }))),
  ),
  create(
    "pod-isolation",
    "adds a capability",
    at("shop", pod("a", SIGNED, container({ securityContext: { capabilities: { add: ["SYS_ADMIN"] } } }))),
  ),
  create(
    "pod-isolation",
    "opens a port of the node",
    at("shop", pod("a", SIGNED, container({ ports: [{ containerPort: 80, hostPort: 80 }] }))),
  ),
  create(
    "pod-isolation",
    "changes the kernel",
    at("shop", pod("a", SIGNED, { securityContext: { sysctls: [{ name: "kernel.panic", value: "1" }] } })),
  ),
  create(
    undefined,
    "runs a Pod with volumes of its namespace",
    at("shop", pod("a", SIGNED, { volumes: [{ name: "v", secret: { secretName: "s" } }] })),
  ),
  create(undefined, "runs a Deployment", at("shop", deployment("a"))),
];

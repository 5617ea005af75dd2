import { describe, expect, it } from "vitest";
import { surveyOf } from "../../../../src/admission/rules/object-survey.ts";
import { INLINE_DRIVERS, podIsolationRule } from "../../../../src/admission/rules/pod-isolation.ts";
import { imagesOf } from "../../../../src/admission/rules/pod-template.ts";
import type { AdmissionInput, ReviewedObject } from "../../../../src/admission/rules/request.ts";
import { serviceAccountRule } from "../../../../src/admission/rules/service-account.ts";

const request = (object: object | undefined, change: Partial<AdmissionInput> = {}): AdmissionInput => ({
  ...{ operation: "CREATE", group: "", resource: "pods", subresource: "", name: "x", namespace: "shop" },
  user: { username: "eve", groups: [] },
  object: object as ReviewedObject,
  oldObject: undefined,
  ...change,
});
const pod = (spec: object) => ({ spec: { containers: [{ name: "a", image: "a" }], ...spec } });
const known = { inlineDrivers: INLINE_DRIVERS, isForeignNamespace: () => false };
const container = (members: object) => ({ spec: { containers: [{ name: "a", ...members }] } });

describe("podIsolationRule", () => {
  it.each<[string, object, string, string]>([
    [
      "the node's network",
      pod({ hostNetwork: true }),
      "spec.hostNetwork",
      "hostNetwork shares the node with the Pod; remove it",
    ],
    [
      "Kubernetes' own priority",
      pod({ priorityClassName: "system-node-critical" }),
      "spec.priorityClassName",
      "system-node-critical lets the Pod displace Pods of others; use another PriorityClass",
    ],
    [
      "the node's processes",
      pod({ hostPID: true }),
      "spec.hostPID",
      "hostPID shares the node with the Pod; remove it",
    ],
    [
      "the node's IPC",
      pod({ hostIPC: true }),
      "spec.hostIPC",
      "hostIPC shares the node with the Pod; remove it",
    ],
    [
      "a path of the node",
      pod({
        volumes: [
          { name: "a", emptyDir: {} },
          { name: "b", hostPath: { path: "/" } },
        ],
      }),
      "spec.volumes[1].hostPath",
      "a hostPath volume reaches beyond the namespace; use a PersistentVolumeClaim",
    ],
    [
      "a foreign file server",
      pod({ volumes: [{ name: "b", nfs: { server: "x" } }] }),
      "spec.volumes[0].nfs",
      "a nfs volume reaches beyond the namespace; use a PersistentVolumeClaim",
    ],
    [
      "an inline volume of a driver that is on no list",
      pod({
        volumes: [{ name: "a", csi: { driver: "csi.spiffe.io" } }, { csi: { driver: "nfs.csi.k8s.io" } }],
      }),
      "spec.volumes[1].csi.driver",
      "driver nfs.csi.k8s.io may mount volumes of others or of the node; use a PersistentVolumeClaim, or ask the platform team to list the driver",
    ],
    [
      "a privileged container",
      container({ securityContext: { privileged: true } }),
      "spec.containers[0].securityContext.privileged",
      "privileged lets the container control the node; remove it",
    ],
    [
      "a capability",
      container({ securityContext: { capabilities: { add: ["CHOWN", "SYS_ADMIN"] } } }),
      "spec.containers[0].securityContext.capabilities.add",
      "capability SYS_ADMIN reaches the node; remove it",
    ],
    [
      "a port of the node",
      container({ ports: [{ containerPort: 80 }, { containerPort: 81, hostPort: 81 }] }),
      "spec.containers[0].ports[1].hostPort",
      "hostPort opens a port of the node; use a Service",
    ],
    [
      "an unconfined seccomp profile",
      pod({ securityContext: { seccompProfile: { type: "Unconfined" } } }),
      "spec.securityContext.seccompProfile.type",
      "Unconfined removes the node's protection; use RuntimeDefault",
    ],
    [
      "an unmasked /proc",
      container({ securityContext: { procMount: "Unmasked" } }),
      "spec.containers[0].securityContext.procMount",
      "procMount exposes the node's processes; remove it",
    ],
    [
      "a host process",
      container({ securityContext: { windowsOptions: { hostProcess: true } } }),
      "spec.containers[0].securityContext.windowsOptions.hostProcess",
      "hostProcess runs the container on the node; remove it",
    ],
    [
      "sysctls",
      pod({ securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } }),
      "spec.securityContext.sysctls",
      "sysctl kernel.msgmax changes the node's kernel; remove it",
    ],
    [
      "the SELinux type of a privileged container",
      container({ securityContext: { seLinuxOptions: { type: "spc_t" } } }),
      "spec.containers[0].securityContext.seLinuxOptions.type",
      "this SELinux type reaches the node; use container_t",
    ],
    [
      "an SELinux user",
      pod({ securityContext: { seLinuxOptions: { user: "system_u" } } }),
      "spec.securityContext.seLinuxOptions.user",
      "an SELinux user of your own reaches the node; remove it",
    ],
    [
      "a probe of another host",
      container({ readinessProbe: { tcpSocket: { host: "169.254.169.254", port: 80 } } }),
      "spec.containers[0].readinessProbe.tcpSocket.host",
      "the kubelet would send this probe or hook to another host from the node; remove this field, and it goes to the Pod",
    ],
    [
      "a hook that calls another host",
      container({ lifecycle: { preStop: { httpGet: { host: "169.254.169.254", port: 80 } } } }),
      "spec.containers[0].lifecycle.preStop.httpGet.host",
      "the kubelet would send this probe or hook to another host from the node; remove this field, and it goes to the Pod",
    ],
    [
      "an AppArmor annotation of a template",
      {
        spec: {
          template: {
            metadata: { annotations: { "container.apparmor.security.beta.kubernetes.io/app": "unconfined" } },
            spec: { containers: [{ name: "app" }] },
          },
        },
      },
      "spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]",
      "unconfined removes the node's protection; remove this annotation",
    ],
    [
      "an AppArmor annotation of a Pod",
      {
        metadata: { annotations: { "container.apparmor.security.beta.kubernetes.io/app": "unconfined" } },
        spec: { containers: [{ name: "app" }] },
      },
      "metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]",
      "unconfined removes the node's protection; remove this annotation",
    ],
    [
      "an init container in a custom kind",
      { spec: { podTemplate: { initContainers: [{ securityContext: { privileged: true } }] } } },
      "spec.podTemplate.initContainers[0].securityContext.privileged",
      "privileged lets the container control the node; remove it",
    ],
  ])("refuses %s", (_, object, path, message) => {
    expect(podIsolationRule(request(object), known)).toEqual([{ rule: "pod-isolation", path, message }]);
  });

  it("passes an ordinary Pod", () => {
    const object = pod({
      hostNetwork: false,
      securityContext: {
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
        seLinuxOptions: { type: "container_t", level: "s0:c1,c2", user: "" },
        sysctls: [
          { name: "net.ipv4.ip_unprivileged_port_start", value: "0" },
          { name: "net/ipv4/tcp_syncookies", value: "1" },
        ],
      },
      volumes: [
        { name: "a", secret: {} },
        { name: "b", persistentVolumeClaim: { claimName: "b" } },
      ],
    });
    expect(podIsolationRule(request(object), known)).toEqual([]);
  });

  it("passes an inline volume of a driver that the platform lists", () => {
    const listed = { ...known, inlineDrivers: [...INLINE_DRIVERS, "config.csi.example"] };
    const volume = (driver: string) => request(pod({ volumes: [{ name: "a", csi: { driver } }] }));
    expect(podIsolationRule(volume("config.csi.example"), known)).toHaveLength(1);
    expect(podIsolationRule(volume("config.csi.example"), listed)).toEqual([]);
    expect(podIsolationRule(volume("csi.cert-manager.io"), listed)).toEqual([]);
    expect(podIsolationRule(volume("nfs.csi.k8s.io"), listed)).toHaveLength(1);
  });

  it("passes an annotation of another meaning, and a profile", () => {
    const annotations = {
      "shop.test/app": "unconfined",
      "container.apparmor.security.beta.kubernetes.io/app": "runtime/default",
    };
    expect(podIsolationRule(request({ ...pod({}), metadata: { annotations } }), known)).toEqual([]);
  });
});

describe("imagesOf", () => {
  it("finds images of all containers and image volumes, in any kind", () => {
    const object = {
      spec: {
        jobTemplate: {
          spec: {
            template: { spec: { containers: [{ image: "a" }, {}], ephemeralContainers: [{ image: "b" }] } },
          },
        },
        other: [
          { initContainers: [{ image: "c" }], volumes: [{ image: { reference: "d" } }, { emptyDir: {} }] },
        ],
      },
    };
    const images = surveyOf(object).podSpecs.flatMap(imagesOf);
    expect(images.map(({ path, image }) => `${path}=${image}`).sort()).toEqual([
      "spec.jobTemplate.spec.template.spec.containers[0].image=a",
      "spec.jobTemplate.spec.template.spec.containers[1].image=",
      "spec.jobTemplate.spec.template.spec.ephemeralContainers[0].image=b",
      "spec.other[0].initContainers[0].image=c",
      "spec.other[0].volumes[0].image.reference=d",
    ]);
  });

  it("finds no Pod specification in the schema of a CustomResourceDefinition", () => {
    const schema = { properties: { containers: { type: "array", items: { type: "object" } } } };
    expect(surveyOf({ spec: schema }).podSpecs).toEqual([]);
  });
});

describe("serviceAccountRule", () => {
  const facts = { foreignAccounts: new Set(["seller", "default"]), connectedAccount: undefined };
  const message = (account: string) =>
    `ServiceAccount ${account} acts for a Franchisee or an Organization that you do not belong to; use another account`;
  it.each<[string, AdmissionInput, string, string]>([
    [
      "its token",
      request({}, { resource: "serviceaccounts", subresource: "token", name: "seller" }),
      "serviceaccounts/seller/token",
      "seller",
    ],
    [
      "a Secret with its token",
      request(
        {
          type: "kubernetes.io/service-account-token",
          metadata: { annotations: { "kubernetes.io/service-account.name": "seller" } },
        },
        { resource: "secrets" },
      ),
      "metadata.annotations[kubernetes.io/service-account.name]",
      "seller",
    ],
    [
      "a Pod that runs as it",
      request(pod({ serviceAccountName: "seller" })),
      "spec.serviceAccountName",
      "seller",
    ],
    [
      "a Pod by the older field",
      request(pod({ serviceAccount: "seller" })),
      "spec.serviceAccountName",
      "seller",
    ],
    ["a Pod that names none", request(pod({})), "spec.serviceAccountName", "default"],
    [
      "a HelmRelease that runs as it",
      request(
        { spec: { serviceAccountName: "seller" } },
        { resource: "helmreleases", group: "helm.toolkit.fluxcd.io" },
      ),
      "spec.serviceAccountName",
      "seller",
    ],
  ])("refuses %s", (_, input, path, account) => {
    expect(serviceAccountRule(input, facts)).toEqual([
      { rule: "service-account-identity", path, message: message(account) },
    ]);
  });

  it("passes an account that acts for no Franchisee and no Organization", () => {
    expect(serviceAccountRule(request(pod({ serviceAccountName: "web" })), facts)).toEqual([]);
    expect(serviceAccountRule(request({ type: "Opaque" }, { resource: "secrets" }), facts)).toEqual([]);
  });
});

import { listOf, mapOf, textOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";
import { annotationsPath, type FoundPodSpec } from "./pod-template.ts";

// The lists of the baseline Pod Security Standard.
const SELINUX_TYPES = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
/** Sysctls that belong to the Pod's own namespaces. */
export const POD_SYSCTLS = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
];

/** The security context of a Pod or of a container. */
export function securityEscapes(path: string, context: Record<string, unknown>): Problem[] {
  const unconfined = ["seccompProfile", "appArmorProfile"].filter(
    (name) => mapOf(context[name]).type === "Unconfined",
  );
  return [
    ...unconfined.map((name) => ({
      path: `${path}.${name}.type`,
      message: "Unconfined removes the node's protection; use RuntimeDefault",
    })),
    ...seLinuxEscapes(`${path}.seLinuxOptions`, mapOf(context.seLinuxOptions)),
    ...(context.procMount !== undefined && context.procMount !== "Default"
      ? [{ path: `${path}.procMount`, message: "procMount exposes the node's processes; remove it" }]
      : []),
    ...(mapOf(context.windowsOptions).hostProcess === true
      ? [
          {
            path: `${path}.windowsOptions.hostProcess`,
            message: "hostProcess runs the container on the node; remove it",
          },
        ]
      : []),
    ...listOf(context.sysctls)
      .map((sysctl) => textOf(mapOf(sysctl).name))
      .filter((name) => !POD_SYSCTLS.includes(name.replaceAll("/", ".")))
      .map((name) => ({
        path: `${path}.sysctls`,
        message: `sysctl ${name} changes the node's kernel; remove it`,
      })),
  ];
}

function seLinuxEscapes(path: string, options: Record<string, unknown>): Problem[] {
  const isSet = (name: string) => options[name] !== undefined && options[name] !== "";
  return [
    ...(isSet("type") && !SELINUX_TYPES.includes(textOf(options.type))
      ? [{ path: `${path}.type`, message: "this SELinux type reaches the node; use container_t" }]
      : []),
    ...["user", "role"].filter(isSet).map((name) => ({
      path: `${path}.${name}`,
      message: `an SELinux ${name} of your own reaches the node; remove it`,
    })),
  ];
}

const APPARMOR = "container.apparmor.security.beta.kubernetes.io/";

/** The API server copies the old AppArmor annotations of a template into the Pods' security contexts. */
export function annotationEscapes({ path, annotations = {} }: FoundPodSpec): Problem[] {
  return Object.entries(annotations)
    .filter(([name, value]) => name.startsWith(APPARMOR) && value === "unconfined")
    .map(([name]) => ({
      path: `${annotationsPath({ path })}[${name}]`,
      message: "unconfined removes the node's protection; remove this annotation",
    }));
}

import { AffinitySchema } from "./affinity.ts";
import {
  list,
  listMap,
  object,
  objectName,
  oneOf,
  set,
  stringMap,
  Type,
  text,
  wholeNumber,
} from "./schema.ts";

const id = (description: string) =>
  Type.Optional(wholeNumber({ description, minimum: 1, maximum: 2 ** 31 - 1 }));

const TolerationSchema = object(
  {
    key: Type.Optional(text({ description: "Key of the taint. Absent: every key.", maxLength: 317 })),
    operator: Type.Optional(
      oneOf(["Exists", "Equal"], { description: "How key and value are compared. Absent: Equal." }),
    ),
    value: Type.Optional(text({ description: "Value of the taint.", maxLength: 63 })),
    effect: Type.Optional(
      oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"], {
        description: "Effect of the taint. Absent: every effect.",
      }),
    ),
    tolerationSeconds: Type.Optional(
      wholeNumber({
        description: "How many seconds a Pod stays on a node with a NoExecute taint. Absent: for ever.",
        minimum: 0,
        maximum: 2 ** 31 - 1,
      }),
    ),
  },
  {
    description: "A taint of nodes that the Pods tolerate.",
    rules: [
      {
        rule: "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
        message: "a toleration without a key needs operator Exists: set one of them",
      },
      {
        rule: "!has(self.value) || !has(self.operator) || self.operator == 'Equal'",
        message: "a toleration with operator Exists has no value: remove value, or set operator Equal",
      },
    ],
  },
);

const PodSecuritySchema = object(
  {
    runAsUser: id(
      "User id of the processes. Absent: that of the image, 65532, or of the namespace on OpenShift.",
    ),
    runAsGroup: id("Group id of the processes. Absent: that of the image, 65532."),
    fsGroup: id("Group that owns mounted volumes. Absent: none."),
    supplementalGroups: Type.Optional(
      set(wholeNumber({ description: "A group id.", minimum: 1, maximum: 2 ** 31 - 1 }), {
        description: "Further groups of the processes.",
        maxItems: 32,
      }),
    ),
    seccompProfile: Type.Optional(
      object(
        {
          type: oneOf(["RuntimeDefault", "Localhost"], { description: "Kind of the profile." }),
          localhostProfile: Type.Optional(
            text({ description: "Path of the profile on the node, for Localhost.", maxLength: 512 }),
          ),
        },
        {
          description: "Seccomp profile. Absent: RuntimeDefault.",
          rules: [
            {
              rule: "(self.type == 'Localhost') == has(self.localhostProfile)",
              message: "localhostProfile is required when type is Localhost, and not allowed otherwise",
            },
          ],
        },
      ),
    ),
  },
  {
    description:
      "Replaces single members of the Pods' security context. The Pods keep the restricted profile of Pod security: no root, no capabilities, no privilege escalation.",
  },
);

/** Settings of the Pods of `billing`: those of the Deployment and of the migration Job. */
export const POD_SETTINGS = {
  imagePullSecrets: Type.Optional(
    listMap(
      object(
        { name: objectName("Name of the Secret.") },
        { description: "A Secret with registry credentials." },
      ),
      ["name"],
      {
        description:
          "Secrets with which nodes pull the image, in the Sovereign's namespace. They apply to the Deployment and the migration Job, as the following settings do.",
        maxItems: 16,
      },
    ),
  ),
  nodeSelector: Type.Optional(
    stringMap({ description: "Labels of the nodes on which the Pods may run.", maxProperties: 32 }),
  ),
  tolerations: Type.Optional(
    list(TolerationSchema, { description: "Taints that the Pods tolerate.", maxItems: 32 }),
  ),
  affinity: Type.Optional(AffinitySchema),
  priorityClassName: Type.Optional(objectName("PriorityClass of the Pods.")),
  podAnnotations: Type.Optional(
    stringMap({
      description: "Annotations of the Pods, for example to keep a mesh's sidecar out of the migration Job.",
      maxProperties: 32,
      rules: [
        {
          rule: "self.all(name, !name.startsWith('catalyst.openova.io/'))",
          message: "podAnnotations must not contain catalyst.openova.io/…: only the operator writes these",
        },
        {
          rule: "self.all(name, !name.startsWith('container.apparmor.security.beta.kubernetes.io/') && !name.contains('seccomp.security.alpha.kubernetes.io/'))",
          message:
            "podAnnotations must not set AppArmor or seccomp profiles: use podSecurityContext.seccompProfile",
        },
      ],
    }),
  ),
  podSecurityContext: Type.Optional(PodSecuritySchema),
};

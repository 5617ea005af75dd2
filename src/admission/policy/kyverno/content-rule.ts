import { GROUP } from "../../../api/kind.ts";
import { PRIVATE_CATALOG_NAMESPACE } from "../../../api/name.ts";
import type { IdentityLists } from "../../rules/identity.ts";
import { FORBIDDEN_FIELDS } from "../../rules/install-source.ts";
import { CAPABILITIES, INLINE_DRIVERS, VOLUMES } from "../../rules/pod-isolation.ts";
import { POD_SYSCTLS } from "../../rules/security-context.ts";
import { denyUnless, requests, WRITES } from "../guard.ts";
import { CEL_IS_RELEASE_SECRET, celList, IS_INSTALLER, notAtHome } from "../match-condition.ts";
import { type KyvernoRule, SUBRESOURCE } from "./policy.ts";

const CHANGES = ["CREATE", "UPDATE"];
const DIGEST = "sha256:[a-f0-9]{64}";

const PRODUCT_KINDS: KyvernoRule = {
  name: "catalyst-product-kind",
  purpose: [
    "Lets only the platform write the product's kinds. Others may write private Blueprints in catalog-sovereign, and the webhook",
    "judges whose these are, how many a Franchise grants, and the fields of Sovereigns.",
  ],
  requests: [requests([GROUP], ["*/*"], WRITES)],
  variables: [
    { name: "isBlueprint", expression: `request.resource.resource == "blueprints"` },
    { name: "isChange", expression: `request.operation != "DELETE" && ${SUBRESOURCE} == ""` },
  ],
  validations: [
    denyUnless(
      "platform-kind",
      "metadata.name",
      "only the platform may write this kind; ask the platform team to make the change",
      `request.resource.resource in ["blueprints", "sovereigns"]`,
    ),
    denyUnless(
      "blueprint-status",
      "status",
      "only the operator may write the status of a Blueprint; change spec instead",
      `!variables.isBlueprint || ${SUBRESOURCE} == ""`,
    ),
    denyUnless(
      "blueprint-namespace",
      "metadata.namespace",
      `a Franchisee may keep Blueprints only in ${PRIVATE_CATALOG_NAMESPACE}; use that namespace`,
      `!variables.isBlueprint || request.namespace == "${PRIVATE_CATALOG_NAMESPACE}"`,
    ),
    denyUnless(
      "blueprint-visibility",
      "spec.visibility",
      "a Franchisee's Blueprint must be private; set it to private",
      `!(variables.isBlueprint && variables.isChange) || object.spec.?visibility.orValue("") == "private"`,
    ),
  ],
};

const INSTALLERS: KyvernoRule = {
  name: "catalyst-install-source",
  purpose: [
    "Of all installers' kinds, lets others than the platform write OCIRepositories that name a digest, and HelmReleases that",
    "install from them into their own namespace as one of its ServiceAccounts. The webhook verifies the signatures.",
  ],
  requests: [requests(["*"], ["*/*"], WRITES)],
  matchesEverything: true,
  conditions: [IS_INSTALLER],
  variables: [
    {
      name: "isRepository",
      expression: `request.resource.group == "source.toolkit.fluxcd.io" && request.resource.resource == "ocirepositories" && ${SUBRESOURCE} == ""`,
    },
    {
      name: "isRelease",
      expression: `request.resource.group == "helm.toolkit.fluxcd.io" && request.resource.resource == "helmreleases" && ${SUBRESOURCE} == ""`,
    },
    { name: "isChange", expression: `request.operation != "DELETE"` },
  ],
  validations: [
    denyUnless(
      "install-source",
      "metadata.name",
      "only the platform may use this kind; install with a HelmRelease and an OCIRepository that names a digest",
      "variables.isRepository || variables.isRelease",
    ),
    denyUnless(
      "oci-repository-digest",
      "spec.ref.digest",
      "the artifact must be pinned by digest; write url oci://registry/repository, and set this field to sha256:<64 hex>",
      `!(variables.isRepository && variables.isChange) || (object.spec.?url.orValue("").startsWith("oci://") && object.spec.?ref.?digest.orValue("").matches("^${DIGEST}$"))`,
    ),
    denyUnless(
      "oci-repository-insecure",
      "spec.insecure",
      "artifacts must be fetched over TLS; remove this field",
      `!(variables.isRepository && variables.isChange) || object.spec.?insecure.orValue(false) == false`,
    ),
    denyUnless(
      "oci-repository-ignore",
      "spec.ignore",
      "Flux must install the whole signed artifact; remove this field",
      "!(variables.isRepository && variables.isChange) || !has(object.spec.ignore)",
    ),
    denyUnless(
      "oci-repository-verify",
      "spec.verify",
      "Flux may verify only with the platform's own keys; remove this field, or set secretRef.name to catalyst-trust",
      `!(variables.isRepository && variables.isChange) || !has(object.spec.verify) || object.spec.verify.?secretRef.?name.orValue("") == "catalyst-trust"`,
    ),
    denyUnless(
      "helm-release",
      "spec",
      "install a signed chart unchanged into this namespace; name an OCIRepository of it in chartRef and one of its ServiceAccounts in serviceAccountName, and remove chart, kubeConfig, postRenderers, valuesFrom, commonMetadata and other namespaces; do not set crds to CreateReplace",
      `!(variables.isRelease && variables.isChange) || (object.spec.?chartRef.?kind.orValue("") == "OCIRepository"
  && object.spec.?chartRef.?namespace.orValue(request.namespace) == request.namespace
  && object.spec.?serviceAccountName.orValue("") != ""
  && object.spec.?targetNamespace.orValue(request.namespace) == request.namespace
  && object.spec.?storageNamespace.orValue(request.namespace) == request.namespace
  && object.spec.?dependsOn.orValue([]).all(release, release.?namespace.orValue(request.namespace) == request.namespace)
  && ${celList(Object.keys(FORBIDDEN_FIELDS))}.all(field, !(field in object.spec))
  && object.spec.?install.?crds.orValue("") != "CreateReplace" && object.spec.?upgrade.?crds.orValue("") != "CreateReplace")`,
    ),
  ],
};

const ROLES: KyvernoRule = {
  name: "catalyst-rbac-escalation",
  purpose: [
    "Denies Roles that let their holder impersonate, escalate, bind or create tokens, also by wildcard.",
  ],
  requests: [requests(["rbac.authorization.k8s.io"], ["roles"], CHANGES)],
  variables: [{ name: "rules", expression: "object.?rules.orValue([])" }],
  validations: [
    denyUnless(
      "rbac-escalation",
      "rules",
      "only the platform grants impersonate, escalate, bind, or tokens of ServiceAccounts; name the verbs and resources that you need, without them",
      `variables.rules.all(rule, !rule.verbs.exists(verb, verb.startsWith("impersonate"))
  && !(rule.verbs.exists(verb, verb in ["*", "escalate", "bind"]) && rule.?apiGroups.orValue([]).exists(it, it in ["*", "rbac.authorization.k8s.io"]) && rule.?resources.orValue([]).exists(it, it in ["*", "roles", "clusterroles"]))
  && !(rule.verbs.exists(verb, verb in ["*", "create"]) && rule.?apiGroups.orValue([]).exists(it, it in ["*", ""]) && rule.?resources.orValue([]).exists(it, it in ["*", "serviceaccounts/token", "*/token"]))
  && !(rule.verbs.exists(verb, verb == "*") && rule.?resources.orValue([]).exists(it, it in ["*", "users", "groups", "serviceaccounts", "uids"])))`,
    ),
  ],
};

const REVISIONS: KyvernoRule = {
  name: "catalyst-workload-revision",
  purpose: ["Lets only Kubernetes' own controllers write ControllerRevisions."],
  requests: [requests(["apps"], ["controllerrevisions"], WRITES)],
  validations: [
    denyUnless(
      "workload-revision",
      "metadata.name",
      "only Kubernetes' own controllers may write ControllerRevisions; change the StatefulSet or DaemonSet instead",
    ),
  ],
};

const RELEASE_SECRETS: KyvernoRule = {
  name: "catalyst-helm-release-secret",
  purpose: [
    "Lets only Flux' helm-controller write the Secrets in which Helm stores releases. It impersonates a ServiceAccount of the",
    "namespace, and an impersonated account has no uid.",
  ],
  requests: [requests([""], ["secrets"], CHANGES)],
  validations: [
    denyUnless(
      "helm-release-secret",
      "metadata.name",
      "only Flux' helm-controller stores releases; install with a HelmRelease instead of the helm command",
      `!(${CEL_IS_RELEASE_SECRET}) || (request.userInfo.?uid.orValue("") == "" && request.userInfo.username.startsWith("system:serviceaccount:" + request.namespace + ":"))`,
    ),
  ],
};

const CONTAINERS = {
  name: "containers",
  expression:
    "object.spec.containers + object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([])",
};

const pods = (lists: IdentityLists): KyvernoRule => ({
  name: "catalyst-pod",
  purpose: [
    "Denies Pods that reach their node or foreign volumes, and images without a digest. The webhook also judges SELinux, seccomp",
    "and AppArmor, the hosts of probes, and Pod templates in custom kinds.",
  ],
  requests: [requests([""], ["pods"], CHANGES)],
  includesTemplates: true,
  conditions: [notAtHome(lists)],
  variables: [CONTAINERS],
  validations: [
    denyUnless(
      "image-digest",
      "spec.containers[*].image",
      "images must be pinned by digest; write repository@sha256:<64 hex>",
      `variables.containers.all(container, container.image.matches("@${DIGEST}$") && !container.image.contains(".."))`,
    ),
    denyUnless(
      "pod-isolation",
      "spec",
      "hostNetwork, hostPID and hostIPC share the node with the Pod; remove them",
      `!object.spec.?hostNetwork.orValue(false) && !object.spec.?hostPID.orValue(false) && !object.spec.?hostIPC.orValue(false)`,
    ),
    denyUnless(
      "pod-isolation",
      "spec.volumes",
      "a volume of this kind reaches beyond the namespace; use a PersistentVolumeClaim",
      `object.spec.?volumes.orValue([]).all(volume, volume.all(kind, kind == "name" || kind in ${celList(VOLUMES)}))`,
    ),
    denyUnless(
      "pod-isolation",
      "spec.volumes",
      "the driver of an inline volume may mount volumes of others or of the node; use a PersistentVolumeClaim",
      `object.spec.?volumes.orValue([]).all(volume, volume.?csi.?driver.orValue("${INLINE_DRIVERS[0]}") in ${celList(INLINE_DRIVERS)})`,
    ),
    denyUnless(
      "pod-isolation",
      "spec.securityContext",
      "these sysctls, or a host process, reach the node; remove them",
      `object.spec.?securityContext.?sysctls.orValue([]).all(sysctl, sysctl.name in ${celList(POD_SYSCTLS)}) && !object.spec.?securityContext.?windowsOptions.?hostProcess.orValue(false)`,
    ),
    denyUnless(
      "pod-isolation",
      "spec.containers[*]",
      "privileged containers, host ports, host processes, a procMount and these capabilities reach the node; remove them",
      `variables.containers.all(container, !container.?securityContext.?privileged.orValue(false)
  && !container.?securityContext.?windowsOptions.?hostProcess.orValue(false)
  && container.?securityContext.?procMount.orValue("Default") == "Default"
  && container.?securityContext.?capabilities.?add.orValue([]).all(it, it in ${celList(CAPABILITIES.flatMap((name) => [name, `CAP_${name}`]))})
  && container.?ports.orValue([]).all(port, port.?hostPort.orValue(0) == 0))`,
    ),
  ],
});

/** Kyverno makes rules for templates only of a policy that matches Pods and nothing else. */
const ephemeralContainers = (lists: IdentityLists): KyvernoRule => ({
  ...pods(lists),
  name: "catalyst-ephemeral-container",
  purpose: ["The policy catalyst-pod, for ephemeral containers."],
  requests: [requests([""], ["pods/ephemeralcontainers"], CHANGES)],
  includesTemplates: false,
});

export const contentRules = (lists: IdentityLists): readonly KyvernoRule[] => [
  PRODUCT_KINDS,
  INSTALLERS,
  ROLES,
  REVISIONS,
  RELEASE_SECRETS,
  pods(lists),
  ephemeralContainers(lists),
];

import { GROUP } from "../api/kind.ts";
import {
  CEL_IS_RELEASE_SECRET,
  celList,
  IS_INSTALLER,
  type MatchCondition,
} from "./policy/match-condition.ts";
import { ADDRESS_ANNOTATION_SUFFIXES } from "./rules/balancer-address.ts";
import { CLUSTER_SERVICE, SLICE_LABEL } from "./rules/cluster-service.ts";
import { DEPUTY_GROUPS } from "./rules/deputy.ts";
import { HOST_ANNOTATION_SUFFIXES } from "./rules/host-annotation.ts";
import { IDENTITY_SECRET_TYPES } from "./rules/permission.ts";
import { NETWORK_ANNOTATIONS, REPORTED_ANNOTATIONS } from "./rules/pod-network.ts";

// The conditions by which a webhook selects requests in ordinary namespaces by their content.

export const IS_INSTALLER_OR_DEPUTY: MatchCondition = {
  ...IS_INSTALLER,
  expression: `${IS_INSTALLER.expression} || request.resource.group in ${celList(DEPUTY_GROUPS)}`,
};

/** A deletion has no new object, and a creation no old one. */
export const IS_CLUSTER_SERVICE: MatchCondition = {
  name: "is-the-cluster-service",
  expression: ["object", "oldObject"]
    .map(
      (it) =>
        `(${it} != null && ((has(${it}.metadata.name) && ${it}.metadata.name == "${CLUSTER_SERVICE.name}") || (has(${it}.metadata.labels) && "${SLICE_LABEL}" in ${it}.metadata.labels && ${it}.metadata.labels["${SLICE_LABEL}"] == "${CLUSTER_SERVICE.name}")))`,
    )
    .join(" || "),
};

/** Secrets that hand out an identity, and those that Helm reads as its releases. */
export const IS_JUDGED_SECRET: MatchCondition = {
  name: "is-a-judged-secret",
  expression: `(has(object.type) && object.type in ${celList(IDENTITY_SECRET_TYPES)}) || ${CEL_IS_RELEASE_SECRET}`,
};

/** Whether a member of the object is not empty, and differs from that of the old object. */
const sets = (member: string, empty: string): string => {
  const [now, before] = ["object", "oldObject"].map((it) => `${it}.?${member}.orValue(${empty})`);
  return `(${now} != ${empty} && (oldObject == null || ${now} != ${before}))`;
};

/** Whether the object has an annotation that the old one lacks, or with another value, and whose name meets the condition. */
const annotates = (condition: string): string =>
  `object.?metadata.?annotations.orValue({}).exists(name, ${condition} && (oldObject == null || object.metadata.annotations[name] != oldObject.?metadata.?annotations[?name].orValue("")))`;

const endsIn = (suffixes: readonly string[]): string =>
  `${celList(suffixes)}.exists(suffix, name.endsWith(suffix))`;

/**
 * Selects Services that claim an address, the name of another Service, or hosts by an annotation. Other Services pass while
 * the webhook is down.
 */
export const CLAIMS_ADDRESS_OR_HOST: MatchCondition = {
  name: "claims-an-address-or-a-host",
  expression: [
    sets("spec.?externalIPs", "[]"),
    sets("status.?loadBalancer.?ingress", "[]"),
    sets("spec.?externalName", '""'),
    sets("spec.?loadBalancerIP", '""'),
    `(object.?spec.?type.orValue("") == "ExternalName" && oldObject != null && oldObject.?spec.?type.orValue("") != "ExternalName")`,
    annotates(endsIn([...HOST_ANNOTATION_SUFFIXES, ...ADDRESS_ANNOTATION_SUFFIXES])),
  ].join(" || "),
};

/**
 * Selects claims that name a volume or a source. Other claims pass while the webhook is down, and so does a claim that the
 * volume controller has bound.
 */
export const NAMES_VOLUME_OR_SOURCE: MatchCondition = {
  name: "names-a-volume-or-a-source",
  expression: [sets("spec.?volumeName", '""'), sets("spec.?dataSourceRef.?namespace", '""')].join(" || "),
};

/** Selects writes that add addresses of endpoints. The controllers of Kubernetes, which write nearly all, are not sent. */
export const ADDS_ENDPOINTS: MatchCondition = {
  name: "adds-endpoints",
  expression: [
    sets("subsets", "[]"),
    sets("endpoints", "[]"),
    sets("status.?podIPs", "[]"),
    sets("status.?podIP", '""'),
  ].join(" || "),
};

/**
 * Selects annotations of an Ingress, and those of a Pod that name hosts, or networks or addresses of others. Calico reports
 * some of these by the status, where they are left out: a Pod must be able to start while the webhook is down.
 */
export const ANNOTATES: MatchCondition = {
  name: "annotates-an-ingress-or-a-pod",
  expression: annotates(
    `(${[
      `request.resource.resource == "ingresses"`,
      `name in ${celList(NETWORK_ANNOTATIONS)}`,
      `(oldObject == null && name in ${celList(REPORTED_ANNOTATIONS)})`,
      endsIn(HOST_ANNOTATION_SUFFIXES),
    ].join(" || ")})`,
  ),
};

export const ALLOCATES_DEVICE: MatchCondition = {
  name: "allocates-a-device",
  expression: sets("status.?allocation", "{}"),
};

/** Selects objects without which the platform could not delete an object of its own, or a namespace. */
export const HOLDS_OWNER: MatchCondition = {
  name: "holds-an-owner",
  expression: `object.?metadata.?ownerReferences.orValue([]).exists(owner, owner.?blockOwnerDeletion.orValue(false) && (owner.apiVersion.startsWith("${GROUP}/") || (owner.apiVersion == "v1" && owner.kind == "Namespace")))`,
};

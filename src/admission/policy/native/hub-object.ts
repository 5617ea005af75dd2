import { GROUP } from "../../../api/kind.ts";
import { LABEL, MANAGED_BY } from "../../../api/label.ts";
import { HUB_NAME, SYSTEM_NAMESPACE } from "../../../api/name.ts";
import { OFFER_FIELDS } from "../../../api/sovereign-offer.ts";
import { denyUnless, type Guard, requests } from "../guard.ts";
import { celIsSame, celList } from "../match-condition.ts";

const OFFER = celList(Object.keys(OFFER_FIELDS));
const REMEDY = "make the change on the hub, which puts it here";

/** Without `dyn`, the types of the two objects' maps differ. */
const membersOf = (object: string, field: string) =>
  `(has(${object}.${field}) ? dyn(${object}.${field}) : dyn({}))`;

/**
 * On a Sovereign's own cluster, only the hub changes the fields that come from the hub. A policy enforces this, because the
 * API server does not send requests of the platform to the webhook. The policy leaves out status and finalizers, which the
 * operator on that cluster writes, and the fields of the Franchisee.
 */
export const HUB_OBJECTS: Guard = {
  name: "catalyst-hub-object",
  purpose: [
    "On a cluster of a Sovereign's own: lets only the hub and system:masters change or delete what comes from the hub. It judges",
    "the platform too. Branding, tiers and add-ons of a Sovereign, finalizers and status are not the hub's.",
  ],
  requests: [
    requests(
      [GROUP],
      ["sovereigns", "billingreleases", "franchises", "environmentpolicies"],
      ["UPDATE", "DELETE"],
    ),
  ],
  conditions: [
    {
      name: "is-from-the-hub",
      expression: `has(oldObject.metadata.labels) && "${LABEL.managedBy}" in oldObject.metadata.labels && oldObject.metadata.labels["${LABEL.managedBy}"] == "${MANAGED_BY.hub}"`,
    },
    {
      name: "not-the-hub",
      expression: `!("system:masters" in request.userInfo.groups) && request.userInfo.username != "system:serviceaccount:${SYSTEM_NAMESPACE}:${HUB_NAME}"`,
    },
    {
      // The control plane deletes the objects of a deleted namespace.
      name: "not-control-plane",
      expression: `!request.userInfo.username.startsWith("system:kube-") && !request.userInfo.username.startsWith("system:serviceaccount:kube-system:")`,
    },
  ],
  judgesPlatform: true,
  variables: [{ name: "isDeleted", expression: `request.operation == "DELETE"` }],
  validations: [
    denyUnless(
      "hub-object",
      "metadata.name",
      "only the hub may delete what it keeps on this cluster; delete it on the hub",
      "!variables.isDeleted",
    ),
    denyUnless(
      "hub-object",
      "spec",
      `only the hub may change what it keeps on this cluster, apart from branding, tiers and add-ons of a Sovereign; ${REMEDY}`,
      `variables.isDeleted || (${celIsSame(membersOf("object", "spec"), membersOf("oldObject", "spec"), `key in ${OFFER}`)})`,
    ),
    denyUnless(
      "hub-object",
      "metadata",
      `only the hub may change the labels and annotations of ${GROUP} on what it keeps on this cluster; ${REMEDY}`,
      `variables.isDeleted || (${["metadata.labels", "metadata.annotations"]
        .map((field) =>
          celIsSame(
            membersOf("object", field),
            membersOf("oldObject", field),
            `!key.startsWith("${GROUP}/")`,
          ),
        )
        .join("\n  && ")})`,
    ),
  ],
};

import { GROUP } from "../../api/kind.ts";
import { ANNOTATION, LABEL } from "../../api/label.ts";
import { CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE, SYSTEM_NAMESPACE } from "../../api/name.ts";
import { changedPaths, userWrittenPart } from "./change.ts";
import { type AdmissionInput, objectPath, type Rule, type Violation } from "./input.ts";
import type { RuleId } from "./rule-id.ts";

/** The paths of the fields that an update changes; for other requests the path of the object. */
function affectedPaths(input: AdmissionInput): string[] {
  if (input.operation !== "UPDATE" || input.subresource !== "") return [objectPath(input)];
  return changedPaths(userWrittenPart(input.oldObject), userWrittenPart(input.object));
}

function deny(input: AdmissionInput, rule: RuleId, message: string): Violation[] {
  return affectedPaths(input).map((path) => ({ rule, path, message }));
}

/** Only the platform may write CRDs: a new one could take the place of one that rules protect. */
export const crdRule: Rule = (input) =>
  input.group === "apiextensions.k8s.io" && input.resource === "customresourcedefinitions"
    ? deny(
        input,
        "crd-platform-only",
        `only the platform may write CustomResourceDefinition ${input.name || "(new)"}: ask OpenOva to make the change`,
      )
    : [];

/** An APIService for the platform's group would answer in place of the platform's kinds. */
export const apiServiceRule: Rule = (input) => {
  if (input.group !== "apiregistration.k8s.io" || input.resource !== "apiservices") return [];
  const groupOf = (object: AdmissionInput["object"]) =>
    (object?.spec as { group?: string } | undefined)?.group;
  const isPlatformGroup =
    [input.object, input.oldObject].some((object) => groupOf(object) === GROUP) ||
    input.name.endsWith(`.${GROUP}`);
  return isPlatformGroup
    ? [
        {
          rule: "apiservice-platform-group",
          path: "spec.group",
          message: `the API group ${GROUP} belongs to the platform: use another group`,
        },
      ]
    : [];
};

const PLATFORM_KINDS = ["billingreleases", "franchises", "environmentpolicies", "organizations"];

/** Of the platform's kinds, others may write only Blueprints and some fields of Sovereigns. */
export const platformKindRule: Rule = (input) =>
  input.group === GROUP && PLATFORM_KINDS.includes(input.resource)
    ? deny(
        input,
        "platform-kind",
        `only the platform may write ${input.resource}: ask OpenOva to make the change`,
      )
    : [];

/** The operator's own namespace. */
export const systemNamespaceRule: Rule = (input) => {
  const isInside = input.namespace === SYSTEM_NAMESPACE;
  const isNamespace = input.resource === "namespaces" && input.name === SYSTEM_NAMESPACE;
  return isInside || isNamespace
    ? [
        {
          rule: "system-namespace",
          path: objectPath(input),
          message: `namespace ${SYSTEM_NAMESPACE} belongs to the platform: use your own namespace`,
        },
      ]
    : [];
};

/** Only the platform may write into the public catalog; the private catalog takes only Blueprints. */
export const catalogNamespaceRule: Rule = (input) => {
  if (input.namespace === CATALOG_NAMESPACE)
    return [
      {
        rule: "catalog-namespace",
        path: objectPath(input),
        message: `namespace ${CATALOG_NAMESPACE} mirrors the public catalog, and only the platform may write there: keep private Blueprints in ${PRIVATE_CATALOG_NAMESPACE}`,
      },
    ];
  const isBlueprint = input.group === GROUP && input.resource === "blueprints";
  return input.namespace === PRIVATE_CATALOG_NAMESPACE && !isBlueprint
    ? [
        {
          rule: "catalog-namespace",
          path: objectPath(input),
          message: `namespace ${PRIVATE_CATALOG_NAMESPACE} is only for private Blueprints: use your own namespace for other objects`,
        },
      ]
    : [];
};

/** The operator manages every object in a Sovereign's namespace: its Deployment, and the Secrets beside it. */
export const sovereignNamespaceRule: Rule = (input, { namespaceLabels }) => {
  const isSovereigns =
    namespaceLabels[LABEL.sovereign] !== undefined && namespaceLabels[LABEL.organization] === undefined;
  if (!isSovereigns || input.namespace === "") return [];
  const kind = input.object?.kind ?? input.oldObject?.kind ?? input.resource;
  return deny(
    input,
    "sovereign-namespace",
    `the operator manages ${kind} ${input.name || "(new)"} in namespace ${input.namespace}: change spec.branding, spec.tiers or spec.addons of the Sovereign instead`,
  );
};

/** Objects with the managed-by label, in any namespace. */
export const managedObjectRule: Rule = (input) => {
  if (input.resource === "namespaces" || input.group === GROUP) return [];
  const owner = input.oldObject?.metadata?.labels?.[LABEL.managedBy];
  return owner === undefined
    ? []
    : deny(
        input,
        "managed-object",
        `the ${owner} manages ${input.oldObject?.kind} ${input.name}: change the Sovereign or Organization that it belongs to`,
      );
};

/** Only the platform may write platform labels, and delete namespaces that have one. */
export const platformLabelRule: Rule = (input) => {
  const before = input.oldObject?.metadata?.labels ?? {};
  const after = input.object?.metadata?.labels ?? {};
  if (input.operation === "DELETE") {
    const present = Object.values(LABEL).find((label) => before[label] !== undefined);
    return input.resource === "namespaces" && present !== undefined
      ? [
          {
            rule: "platform-namespace",
            path: objectPath(input),
            message: `only the platform may delete a namespace with the label ${present}: ask OpenOva to delete it`,
          },
        ]
      : [];
  }
  return Object.values(LABEL)
    .filter((label) => before[label] !== after[label])
    .map((label) => ({
      rule: "platform-label",
      path: `metadata.labels[${label}]`,
      message: "only the platform may write this label: leave it unchanged",
    }));
};

/** Evidence for EnvironmentPolicies must come from the pipeline, not from the people whose installs it decides. */
export const evidenceRule: Rule = (input, { requester }) => {
  if (input.operation === "DELETE" || ("isPipeline" in requester && requester.isPipeline)) return [];
  const before = input.oldObject?.metadata?.annotations ?? {};
  const after = input.object?.metadata?.annotations ?? {};
  return [ANNOTATION.approvedBy, ANNOTATION.score]
    .filter((annotation) => before[annotation] !== after[annotation])
    .map((annotation) => ({
      rule: "evidence-pipeline-only",
      path: `metadata.annotations[${annotation}]`,
      message: "only the pipeline may write this annotation: leave it unchanged, and run the pipeline",
    }));
};

/** Only an Organization's members may work in its namespaces. */
export const organizationNamespaceRule: Rule = (input, { namespaceLabels, memberships }) => {
  const organization = namespaceLabels[LABEL.organization];
  if (organization === undefined || input.resource === "namespaces") return [];
  if (memberships.some(({ metadata }) => metadata.name === organization)) return [];
  return [
    {
      rule: "organization-namespace",
      path: `${objectPath(input)}${input.subresource === "" ? "" : `/${input.subresource}`}`,
      message: `only members of its Organization may work in namespace ${input.namespace}: ask its owner for membership`,
    },
  ];
};

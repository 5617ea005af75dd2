import { GROUP } from "../../api/kind.ts";
import { ANNOTATION, LABEL } from "../../api/label.ts";
import { CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE, SYSTEM_NAMESPACE } from "../../api/name.ts";
import { changedPaths, decidedPart } from "./change.ts";
import type { AdmissionInput, ClusterFacts, Rule, Violation } from "./input.ts";

const objectPath = ({ resource, name }: AdmissionInput) => `${resource}/${name || "(new)"}`;

/** The fields that an update touches, else the object itself. */
function touched(input: AdmissionInput): string[] {
  if (input.operation !== "UPDATE" || input.subresource !== "") return [objectPath(input)];
  const paths = changedPaths(decidedPart(input.oldObject), decidedPart(input.object));
  return paths.length === 0 ? [] : paths;
}

function refuse(input: AdmissionInput, rule: string, message: string): Violation[] {
  return touched(input).map((path) => ({ rule, path, message }));
}

/** CRDs are the platform's, all of them: a new one could shadow what the platform guards. */
export const crdRule: Rule = (input) =>
  input.group === "apiextensions.k8s.io" && input.resource === "customresourcedefinitions"
    ? refuse(
        input,
        "crd-platform-only",
        `CustomResourceDefinition ${input.name} may be changed by the platform alone: ask OpenOva for the change`,
      )
    : [];

export const apiServiceRule: Rule = (input) => {
  if (input.group !== "apiregistration.k8s.io" || input.resource !== "apiservices") return [];
  const groupOf = (object: AdmissionInput["object"]) =>
    (object?.spec as { group?: string } | undefined)?.group;
  const claims =
    [input.object, input.oldObject].some((object) => groupOf(object) === GROUP) ||
    input.name.endsWith(`.${GROUP}`);
  return claims
    ? [
        {
          rule: "apiservice-platform-group",
          path: "spec.group",
          message: `${GROUP} is the platform's API group: serve another`,
        },
      ]
    : [];
};

const PLATFORM_KINDS = ["billingreleases", "franchises", "environmentpolicies", "organizations"];

/** Of the platform's kinds only Blueprints and the Franchisee's part of a Sovereign are open to others. */
export const platformKindRule: Rule = (input) =>
  input.group === GROUP && PLATFORM_KINDS.includes(input.resource)
    ? refuse(input, "platform-kind", `${input.resource} are the platform's: ask OpenOva for the change`)
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
          message: `${SYSTEM_NAMESPACE} is the platform's: work in a namespace of your own`,
        },
      ]
    : [];
};

/** The public catalog's mirror is the platform's; the private one takes Blueprints alone. */
export const catalogNamespaceRule: Rule = (input) => {
  if (input.namespace === CATALOG_NAMESPACE) {
    return [
      {
        rule: "catalog-namespace",
        path: objectPath(input),
        message: `${CATALOG_NAMESPACE} mirrors the public catalog: keep private Blueprints in ${PRIVATE_CATALOG_NAMESPACE}`,
      },
    ];
  }
  const isBlueprint = input.group === GROUP && input.resource === "blueprints";
  return input.namespace === PRIVATE_CATALOG_NAMESPACE && !isBlueprint
    ? [
        {
          rule: "catalog-namespace",
          path: objectPath(input),
          message: `${PRIVATE_CATALOG_NAMESPACE} holds private Blueprints alone: work in a namespace of your own`,
        },
      ]
    : [];
};

/** Everything in a Sovereign's namespace is the operator's: its Deployment, and the Secrets beside it. */
export const sovereignNamespaceRule: Rule = (input, { namespaceLabels }) => {
  const isSovereigns =
    namespaceLabels[LABEL.sovereign] !== undefined && namespaceLabels[LABEL.organization] === undefined;
  if (!isSovereigns || input.namespace === "") return [];
  const kind = input.object?.kind ?? input.oldObject?.kind ?? input.resource;
  return refuse(
    input,
    "sovereign-namespace",
    `${kind} ${input.name} in ${input.namespace} is managed by the operator: change spec.branding, spec.tiers or spec.addons of the Sovereign instead`,
  );
};

/** What bears the platform's managed-by label, wherever it lies. */
export const managedObjectRule: Rule = (input) => {
  if (input.resource === "namespaces" || input.group === GROUP) return [];
  const owner = input.oldObject?.metadata?.labels?.[LABEL.managedBy];
  return owner === undefined
    ? []
    : refuse(
        input,
        "managed-object",
        `${input.oldObject?.kind} ${input.name} is managed by the ${owner}: change the object that it is made from`,
      );
};

/** Platform labels are written by the platform alone, and namespaces that bear one are not moved by others. */
export const platformLabelRule: Rule = (input) => {
  const before = input.oldObject?.metadata?.labels ?? {};
  const after = input.object?.metadata?.labels ?? {};
  if (input.operation === "DELETE") {
    const borne = Object.values(LABEL).find((label) => before[label] !== undefined);
    return input.resource === "namespaces" && borne !== undefined
      ? [
          {
            rule: "platform-namespace",
            path: objectPath(input),
            message: `namespace ${input.name} bears ${borne}: the platform alone may delete it`,
          },
        ]
      : [];
  }
  return Object.values(LABEL)
    .filter((label) => before[label] !== after[label])
    .map((label) => ({
      rule: "platform-label",
      path: `metadata.labels[${label}]`,
      message: `${label} is written by the platform alone: leave it as it is`,
    }));
};

/** Evidence for EnvironmentPolicies comes from the pipeline, never from whom it judges. */
export const evidenceRule: Rule = (input, { requester }) => {
  if (input.operation === "DELETE" || ("isPipeline" in requester && requester.isPipeline)) return [];
  const before = input.oldObject?.metadata?.annotations ?? {};
  const after = input.object?.metadata?.annotations ?? {};
  return [ANNOTATION.approvedBy, ANNOTATION.score]
    .filter((annotation) => before[annotation] !== after[annotation])
    .map((annotation) => ({
      rule: "evidence-pipeline-only",
      path: `metadata.annotations[${annotation}]`,
      message: `${annotation} is written by the pipeline alone: let it run`,
    }));
};

/** A tenant's namespaces are its members'. */
export const organizationNamespaceRule: Rule = (input, facts: ClusterFacts) => {
  const organization = facts.namespaceLabels[LABEL.organization];
  if (organization === undefined || input.resource === "namespaces") return [];
  if (facts.memberships.some(({ metadata }) => metadata.name === organization)) return [];
  return [
    {
      rule: "organization-namespace",
      path: `${objectPath(input)}${input.subresource === "" ? "" : `/${input.subresource}`}`,
      message: `${input.namespace} belongs to Organization ${organization}: its members alone work there`,
    },
  ];
};

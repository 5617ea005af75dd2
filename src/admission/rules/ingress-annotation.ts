import { annotationsOf, isMap, listOf, mapOf, textOf } from "../../api/object.ts";
import { newProblems, type Problem } from "./change.ts";
import { destinationProblems } from "./controller-destination.ts";
import { isDestinationKind } from "./destination-field.ts";
import { referenceProblem } from "./destination-problem.ts";
import type { Violation } from "./fact.ts";
import type { DestinationFacts } from "./guarded-service.ts";
import { servesHosts } from "./host-claim.ts";
import type { AdmissionInput } from "./request.ts";
import { sharedProxyProblems } from "./shared-proxy.ts";

/** HAProxy Ingress calls its snippets configuration, such as `config-backend`. */
const SNIPPET = /snippets?$|^haproxy-ingress\.github\.io\/config-/i;
/** ingress-nginx writes the values of its annotations into the configuration of the server that all tenants share. */
const NGINX = "nginx.ingress.kubernetes.io/";
/** Characters that end a directive or a block of nginx. */
const DIRECTIVE = /[\r\n;{}]/;
/** Annotations that name objects of Traefik, in any namespace. */
const TRAEFIK = "traefik.ingress.kubernetes.io/";
/** Annotations that name a Secret, a ConfigMap or another object, with or without its namespace. */
const REFERENCE =
  /\/[a-z-]*(?:secret|configmap|headers)$|^haproxy\.org\/(?:server-ca|server-crt|client-ca|client-crt|cr-backend)$/;
/** HAProxy Ingress also writes `secret://namespace/name`. */
const OWNER = /^\s*(?:secret:\/\/)?(?<owner>[^/\s:]+)\/[^/\s]+\s*$/i;
/** Ingresses of any namespaces with the same group share one load balancer of AWS, with its ports and settings. */
const ALB_GROUP = "alb.ingress.kubernetes.io/group.name";

/**
 * An ingress controller serves many tenants, and builds its configuration from their objects. These may not contain
 * configuration, name Secrets of other namespaces, or send the controller to Services of guarded namespaces.
 */
export function ingressAnnotationRule(input: AdmissionInput, facts: DestinationFacts): Violation[] {
  if (input.operation === "DELETE" || !(servesHosts(input) || isDestinationKind(input))) return [];
  return newProblems(problems(input, input.oldObject, facts), problems(input, input.object, facts)).map(
    (problem) => ({ rule: "ingress-annotation", ...problem }),
  );
}

function problems(input: AdmissionInput, object: unknown, facts: DestinationFacts): Problem[] {
  const inAnnotations = Object.entries(annotationsOf(object)).flatMap(([name, value]) =>
    typeof value !== "string" ? [] : annotationProblems(input, name, value, facts),
  );
  const { spec } = mapOf(object);
  return [
    ...inAnnotations,
    ...snippetMembers(spec),
    ...sharedProxyProblems(input, object, facts),
    ...(input.resource === "ingresses" ? pathProblems(spec) : []),
    ...destinationProblems(input, object, facts),
  ];
}

const refusal = (path: string, message: string, value: unknown): Problem => ({ path, message, value });
const SNIPPET_MESSAGE =
  "a snippet configures the ingress controller that all tenants share; remove it, or ask the platform team";

function annotationProblems(
  { namespace }: AdmissionInput,
  name: string,
  value: string,
  facts: DestinationFacts,
): Problem[] {
  const path = `metadata.annotations[${name}]`;
  if (SNIPPET.test(name)) return value === "" ? [] : [refusal(path, SNIPPET_MESSAGE, value)];
  if (name.startsWith(NGINX) && DIRECTIVE.test(value.trim()))
    return [
      refusal(
        path,
        "line breaks, braces and semicolons would configure the shared controller; remove them",
        value,
      ),
    ];
  if (name.startsWith(TRAEFIK))
    return value.split(",").flatMap((text) => {
      const message = referenceProblem(text, namespace, facts);
      return message === undefined ? [] : [refusal(path, message, value)];
    });
  if (name === ALB_GROUP && value !== namespace && !value.startsWith(`${namespace}.`))
    return [
      refusal(
        path,
        `the group ${value} may be that of another namespace's Ingress; set it to ${namespace}, or to ${namespace}.<name>`,
        value,
      ),
    ];
  if (!REFERENCE.test(name)) return [];
  if (/^\s*file:/i.test(value))
    return [refusal(path, `a file of the controller is not yours; name an object of ${namespace}`, value)];
  const owner = OWNER.exec(value)?.groups?.owner;
  return owner !== undefined && owner !== namespace
    ? [
        refusal(
          path,
          `the controller would read another namespace for you; name an object of ${namespace}`,
          value,
        ),
      ]
    : [];
}

/**
 * nginx writes a path between quotation marks. Braces and semicolons are allowed inside them, because regular expressions
 * have them.
 */
const PATH_END = /[\r\n"]/;

function pathProblems(spec: unknown): Problem[] {
  return listOf(mapOf(spec).rules).flatMap((rule, index) =>
    listOf(mapOf(mapOf(rule).http).paths).flatMap((entry, at) =>
      PATH_END.test(textOf(mapOf(entry).path))
        ? [
            refusal(
              `spec.rules[${index}].http.paths[${at}].path`,
              "line breaks and quotation marks would configure the shared controller; remove them",
              mapOf(entry).path,
            ),
          ]
        : [],
    ),
  );
}

/** The NGINX Ingress Controller's own kinds have snippets in their spec. */
function snippetMembers(spec: unknown, path = "spec", depth = 0): Problem[] {
  if (depth > 16) return [];
  if (Array.isArray(spec))
    return spec.flatMap((item, index) => snippetMembers(item, `${path}[${index}]`, depth + 1));
  if (!isMap(spec)) return [];
  return Object.entries(spec).flatMap(([name, value]) =>
    SNIPPET.test(name) && value !== "" && value !== null
      ? [refusal(`${path}.${name}`, SNIPPET_MESSAGE, value)]
      : snippetMembers(value, `${path}.${name}`, depth + 1),
  );
}

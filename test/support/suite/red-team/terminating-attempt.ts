import { type Attempt, core, group, mergePatch, onReal, post, put, type Request, remove } from "./attempt.ts";
import { configMap, deployment, LABEL_PREFIX, namespace, restrictedPod, TAGGED } from "./object.ts";

/** A namespace of Organization globex, and an ordinary one. Without a controller manager, their deletion never ends. */
const [ENVIRONMENT, ORDINARY] = ["globex-poc", "ruins"];
const label = (name: string) => `${LABEL_PREFIX}/${name}`;

export const TERMINATING_SEEDS: readonly Request[] = [
  post(
    "/api/v1/namespaces",
    namespace(ENVIRONMENT, { labels: { [label("organization")]: "globex", [label("environment")]: "poc" } }),
  ),
  post("/api/v1/namespaces", namespace(ORDINARY)),
  ...[ENVIRONMENT, ORDINARY].flatMap((at) => [
    post(core(at, "configmaps"), configMap("settings")),
    post(core(at, "pods"), restrictedPod("app-0")),
    post(group("apps/v1", at, "deployments"), deployment("app")),
    remove(`/api/v1/namespaces/${at}`),
  ]),
];

const PATH = `/api/v1/namespaces/${ENVIRONMENT}`;
const finalized = (name: string) => ({ ...namespace(name), spec: { finalizers: [] } });

/** Attempts on namespaces that are being deleted. */
export const TERMINATING_ATTEMPTS: readonly Attempt[] = [
  onReal(
    "changes what is left of another Organization's environment",
    "amal",
    mergePatch(core(ENVIRONMENT, "configmaps/settings"), { data: { colour: "black" } }),
    "organization-namespace",
  ),
  onReal(
    "executes in a Pod of an environment that is being deleted",
    "stranger",
    post(core(ENVIRONMENT, "pods/app-0/exec?command=sh&stdout=true")),
    "organization-namespace",
  ),
  onReal(
    "ends the deletion of an environment before its content is gone",
    "stranger",
    put(`${PATH}/finalize`, finalized(ENVIRONMENT)),
    "namespace-guarded",
  ),
  onReal(
    "takes the label of an Organization from a namespace that is being deleted",
    "omantel",
    mergePatch(PATH, { metadata: { labels: { [label("organization")]: null } } }),
    "namespace-guarded",
  ),
  onReal(
    "creates an environment again while it is being deleted",
    "stranger",
    post("/api/v1/namespaces", namespace(ENVIRONMENT)),
    "namespace-reserved",
  ),
  onReal(
    "ends the deletion of its own namespace before its content is gone",
    "stranger",
    put(`/api/v1/namespaces/${ORDINARY}/finalize`, finalized(ORDINARY)),
    "namespace-guarded",
  ),
  onReal(
    "runs another image in its own namespace that is being deleted",
    "stranger",
    mergePatch(group("apps/v1", ORDINARY, "deployments/app"), {
      spec: { template: { spec: { containers: [{ name: "app", image: TAGGED }] } } },
    }),
    "image-digest",
  ),
];

import { configMap } from "../../../builder/api-object.ts";
import { MERGE } from "../../../server/api-request.ts";
import { until } from "../../../wait.ts";
import { type Area, type Bench, behaviour, outcome, words } from "../behaviour.ts";
import type { Answer } from "../connection.ts";
import { ADMISSION, rulesFor } from "../webhook-configuration.ts";

const resourceRules = rulesFor("", "v1", "configmaps", "CREATE", "UPDATE");
const closed = { expression: "!has(object.data) || !('closed' in object.data)", message: "it is closed" };

/** A policy for ConfigMaps. Its binding selects the namespace. */
const policyOf = (name: string, spec: object) => ({
  metadata: { name },
  spec: { matchConstraints: { resourceRules }, validations: [closed], ...spec },
});

/** Creates a policy for the ConfigMaps of the namespace, and its binding. */
async function bind(bench: Bench, spec: object, binding: object = {}): Promise<void> {
  await bench.must("POST", `${ADMISSION}/validatingadmissionpolicies`, policyOf(bench.name, spec));
  await bench.must("POST", `${ADMISSION}/validatingadmissionpolicybindings`, {
    metadata: { name: bench.name },
    spec: {
      policyName: bench.name,
      validationActions: ["Deny"],
      matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": bench.name } } },
      ...binding,
    },
  });
}

/** Sends a request until its answer shows that the policies take effect. */
const sendUntil = (send: () => Promise<Answer>, holds: (answer: Answer) => boolean) =>
  until(async () => {
    const answer = await send();
    return holds(answer) && answer;
  }, "the policies take effect");

/** Sends a ConfigMap with these data until the policies take effect. */
const judged = (bench: Bench, data: Record<string, string>, holds: (answer: Answer) => boolean) =>
  sendUntil(() => bench.send("POST", `${bench.core}/configmaps?dryRun=All`, configMap("one", data)), holds);

const isRefused = ({ status }: Answer) => status >= 400;

async function refusedPolicy(bench: Bench, spec: object): Promise<string> {
  const path = `${ADMISSION}/validatingadmissionpolicies?dryRun=All`;
  return outcome(await bench.send("POST", path, policyOf(bench.name, spec)));
}

export const policyArea: Area = {
  title: "ValidatingAdmissionPolicies",
  behaviours: [
    behaviour(
      "denies a request for which a bound policy's expression does not hold",
      async (bench) => {
        await bind(bench, {});
        const denied = await judged(bench, { closed: "yes" }, isRefused);
        const allowed = await bench.send("POST", `${bench.core}/configmaps`, configMap("one"));
        return [words(denied).replaceAll(bench.name, "NAME"), outcome(allowed)];
      },
      [
        "422 Invalid: configmaps \"one\" is forbidden: ValidatingAdmissionPolicy 'NAME' with binding 'NAME' denied request: it is closed",
        "201",
      ],
    ),
    behaviour(
      "gives a policy's own reason and computed message",
      async (bench) => {
        const validations = [
          { ...closed, reason: "Forbidden", messageExpression: "'closed: ' + object.metadata.name" },
        ];
        await bind(bench, { validations });
        const { status, body } = await judged(bench, { closed: "yes" }, isRefused);
        return [status, body.reason, body.message.endsWith("denied request: closed: one")];
      },
      [403, "Forbidden", true],
    ),
    behaviour(
      "warns instead of denying where the binding says so",
      async (bench) => {
        await bind(bench, {}, { validationActions: ["Warn"] });
        const { status, warnings } = await judged(
          bench,
          { closed: "yes" },
          (answer) => answer.warnings.length > 0,
        );
        return [status, warnings[0]?.endsWith("it is closed")];
      },
      [201, true],
    ),
    behaviour(
      "computes variables, and sees the namespace and the user",
      async (bench) => {
        const variables = [{ name: "named", expression: "namespaceObject.metadata.name" }];
        const expression = "variables.named != object.metadata.namespace || request.userInfo.username == ''";
        await bind(bench, { variables, validations: [{ expression, message: "seen" }] });
        return (await judged(bench, {}, isRefused)).body.message.endsWith("seen");
      },
      true,
    ),
    behaviour(
      "sees the old object of an update",
      async (bench) => {
        await bench.must("POST", `${bench.core}/configmaps`, configMap("one", { a: "1" }));
        const expression = "oldObject == null || oldObject.data.a == object.data.a";
        await bind(bench, { validations: [{ expression, message: "a is immutable" }] });
        const patch = () =>
          bench.send(
            "PATCH",
            `${bench.core}/configmaps/one?dryRun=All`,
            { data: { a: "2" } },
            { contentType: MERGE },
          );
        return (await sendUntil(patch, isRefused)).body.message.endsWith("a is immutable");
      },
      true,
    ),
    behaviour(
      "reads a policy's parameters, and denies where they do not exist",
      async (bench) => {
        const expression = "params.data.word != 'closed'";
        await bind(
          bench,
          {
            paramKind: { apiVersion: "v1", kind: "ConfigMap" },
            validations: [{ expression, message: "by params" }],
          },
          { paramRef: { name: "settings", namespace: bench.name, parameterNotFoundAction: "Deny" } },
        );
        return (await judged(bench, {}, isRefused)).status >= 400;
      },
      true,
      {
        code: 422,
        message:
          'ValidatingAdmissionPolicy.admissionregistration.k8s.io "with-parameters" is invalid: spec.paramKind: Forbidden: this API server evaluates policies without parameters: put them into the expressions',
        request: ({ send }) => {
          const paramKind = { apiVersion: "v1", kind: "ConfigMap" };
          const body = policyOf("with-parameters", { paramKind });
          return send("POST", `${ADMISSION}/validatingadmissionpolicies?dryRun=All`, body);
        },
      },
    ),
    behaviour(
      "fails a request that an expression cannot judge, or lets it pass, as the failure policy says",
      async (bench) => {
        await bind(bench, {
          failurePolicy: "Fail",
          validations: [{ expression: "object.data.absent == 'x'" }],
        });
        const failed = await judged(bench, { a: "1" }, isRefused);
        await bench.must(
          "PATCH",
          `${ADMISSION}/validatingadmissionpolicies/${bench.name}`,
          { spec: { failurePolicy: "Ignore" } },
          { contentType: MERGE },
        );
        const passed = await judged(bench, { a: "1" }, ({ status }) => status === 201);
        return [outcome(failed), outcome(passed)];
      },
      ["422 Invalid", "201"],
    ),
    behaviour(
      "judges only what its match conditions match",
      async (bench) => {
        const matchConditions = [{ name: "named-two", expression: "object.metadata.name == 'two'" }];
        await bind(bench, { matchConditions });
        const two = await sendUntil(
          () => bench.send("POST", `${bench.core}/configmaps?dryRun=All`, configMap("two", { closed: "" })),
          isRefused,
        );
        const one = await bench.send(
          "POST",
          `${bench.core}/configmaps?dryRun=All`,
          configMap("one", { closed: "" }),
        );
        return [outcome(two), outcome(one)];
      },
      ["422 Invalid", "201"],
    ),
    behaviour(
      "refuses a policy whose expressions do not compile",
      async (bench) => [
        await refusedPolicy(bench, { validations: [{ expression: "object." }] }),
        await refusedPolicy(bench, { validations: [{ expression: "1 + 1" }] }),
        await refusedPolicy(bench, { variables: [{ name: "a", expression: "nothing" }] }),
      ],
      [
        "422 Invalid [spec.validations[0].expression FieldValueInvalid]",
        "422 Invalid [spec.validations[0].expression FieldValueInvalid]",
        "422 Invalid [spec.variables[0].expression FieldValueInvalid]",
      ],
    ),
    behaviour(
      "refuses a binding that denies and warns at once, or does nothing",
      async (bench) => {
        const create = (validationActions: string[]) =>
          bench.send("POST", `${ADMISSION}/validatingadmissionpolicybindings?dryRun=All`, {
            metadata: { name: bench.name },
            spec: { policyName: "any", validationActions },
          });
        return [outcome(await create(["Deny", "Warn"])), outcome(await create([]))];
      },
      [
        "422 Invalid [spec.validationActions FieldValueInvalid]",
        "422 Invalid [spec.validationActions FieldValueRequired]",
      ],
    ),
    behaviour(
      "accepts audit annotations and the action Audit",
      async (bench) => {
        const auditAnnotations = [{ key: "why", valueExpression: "'because'" }];
        await bind(bench, { auditAnnotations }, { validationActions: ["Audit"] });
        return outcome(
          await bench.send("POST", `${bench.core}/configmaps`, configMap("one", { closed: "yes" })),
        );
      },
      "201",
    ),
  ],
};

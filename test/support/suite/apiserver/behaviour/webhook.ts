import { configMap } from "../../../builder/api-object.ts";
import { until } from "../../../wait.ts";
import { type Area, behaviour, gadget, outcome, words } from "../behaviour.ts";
import { ADMISSION, configure, hook, refused, reviewsOf, rulesFor, tried } from "../webhook-configuration.ts";

export const webhookArea: Area = {
  title: "Admission webhooks",
  behaviours: [
    behaviour(
      "denies with the webhook's message and code",
      async (bench) => words(await tried(bench, "/deny")).replaceAll(/case-[\w-]+/g, "NAME"),
      '403 Forbidden: admission webhook "NAME.conformance.example.org" denied the request: it is closed',
    ),
    behaviour(
      "denies with the code and reason that the webhook gives, and with 400 where it gives no status",
      async (bench) => {
        const hooks = ["deny-400", "deny-without-status"].map((answer) =>
          hook(bench, `/${answer}`, { objectSelector: { matchLabels: { answer } } }),
        );
        await configure(bench, "validating", ...hooks);
        const post = (answer: string) =>
          bench.send("POST", `${bench.core}/configmaps`, configMap("one", {}, { labels: { answer } }));
        return [outcome(await post("deny-400")), outcome(await post("deny-without-status"))];
      },
      ["400 BadRequest", "400"],
    ),
    behaviour(
      "fails a request when its webhook cannot be reached and the failure policy is Fail",
      async (bench) => {
        const clientConfig = { url: "https://127.0.0.1:9/away", caBundle: bench.webhook.caBundle };
        const { status, body } = await tried(bench, "/allow", { clientConfig, failurePolicy: "Fail" });
        return [status, body.reason, body.message.includes("failed calling webhook")];
      },
      [500, "InternalError", true],
    ),
    behaviour(
      "allows a request when its webhook cannot be reached and the failure policy is Ignore",
      async (bench) => {
        const clientConfig = { url: "https://127.0.0.1:9/away", caBundle: bench.webhook.caBundle };
        return outcome(await tried(bench, "/allow", { clientConfig, failurePolicy: "Ignore" }));
      },
      "201",
    ),
    behaviour(
      "fails a request whose webhook takes longer than its timeout",
      async (bench) => {
        const { status, body } = await tried(bench, "/slow", { timeoutSeconds: 1 });
        return [status, body.message.includes("failed calling webhook")];
      },
      [500, true],
    ),
    behaviour(
      "fails a request whose webhook answers an error, or no review",
      async (bench) => [
        (await tried(bench, "/error")).status,
        (await bench.send("DELETE", `${ADMISSION}/validatingwebhookconfigurations/${bench.name}`)).status,
        (await tried(bench, "/garbage")).status,
      ],
      [500, 200, 500],
    ),
    behaviour(
      "fails a request whose webhook answers for another request",
      async (bench) => (await tried(bench, "/wrong-uid")).status,
      500,
    ),
    behaviour(
      "passes a webhook's warnings on",
      async (bench) => (await tried(bench, "/warn")).warnings.length,
      2,
    ),
    behaviour(
      "accepts audit annotations of a webhook",
      async (bench) => outcome(await tried(bench, "/annotate")),
      "201",
    ),
    behaviour(
      "changes an object by a mutating webhook, before a validating one sees it",
      async (bench) => {
        await configure(bench, "mutating", hook(bench, "/mutate"));
        const validating = { ...hook(bench, "/allow"), name: `${bench.name}-v.conformance.example.org` };
        const configuration = { metadata: { name: bench.name }, webhooks: [validating] };
        await bench.must("POST", `${ADMISSION}/validatingwebhookconfigurations`, configuration);
        await until(async () => {
          await bench.send("POST", `${bench.core}/configmaps?dryRun=All`, configMap("look"));
          return reviewsOf(bench).filter(({ request }) => request.name === "look").length >= 2;
        }, "both webhooks are called");
        const { body } = await bench.send("POST", `${bench.core}/configmaps`, configMap("one"));
        const last = reviewsOf(bench).findLast(({ request }) => request.name === "one");
        return [
          body.metadata.annotations,
          (last?.request.object as typeof body | undefined)?.metadata.annotations,
        ];
      },
      [{ mutated: "yes" }, { mutated: "yes" }],
    ),
    behaviour(
      "calls a mutating webhook again where another one changed the object after it",
      async (bench) => {
        const again = { reinvocationPolicy: "IfNeeded" };
        await configure(bench, "mutating", hook(bench, "/when-second", again), hook(bench, "/second"));
        return (await bench.must("POST", `${bench.core}/configmaps`, configMap("one", { a: "1" }))).data;
      },
      { a: "1", first: "after", second: "yes" },
    ),
    behaviour(
      "calls a mutating webhook once without the reinvocation policy IfNeeded",
      async (bench) => {
        await configure(bench, "mutating", hook(bench, "/when-second"), hook(bench, "/second"));
        return (await bench.must("POST", `${bench.core}/configmaps`, configMap("one", { a: "1" }))).data;
      },
      { a: "1", second: "yes" },
    ),
    behaviour(
      "fails a request whose webhook patches what does not exist",
      async (bench) => {
        await configure(bench, "mutating", hook(bench, "/broken-patch"));
        return (await bench.send("POST", `${bench.core}/configmaps`, configMap("one"))).status;
      },
      500,
    ),
    behaviour(
      "validates what mutating webhooks result in",
      async (bench) => {
        const rules = rulesFor("conformance.example.org", "*", "gadgets", "CREATE");
        await configure(bench, "mutating", hook(bench, "/shrink", { rules }));
        return outcome(await bench.send("POST", bench.gadgets, gadget("one")));
      },
      "422 Invalid [spec.size FieldValueInvalid]",
    ),
    behaviour(
      "calls a webhook in a dry run, and says so",
      async (bench) => {
        await configure(bench, "validating", hook(bench, "/allow"));
        await bench.must("POST", `${bench.core}/configmaps?dryRun=All`, configMap("one"));
        return reviewsOf(bench).findLast(({ request }) => request.name === "one")?.request.dryRun;
      },
      true,
    ),
    behaviour(
      "calls a webhook without side effects in a dry run, and refuses a webhook that has side effects",
      async (bench) => {
        await configure(bench, "validating", hook(bench, "/allow", { sideEffects: "NoneOnDryRun" }));
        const dry = await bench.send("POST", `${bench.core}/configmaps?dryRun=All`, configMap("one"));
        const some = await refused(bench, { sideEffects: "Some" });
        return [outcome(dry), some];
      },
      ["201", "422 Invalid [webhooks[0].sideEffects FieldValueNotSupported]"],
    ),
    behaviour(
      "fills in the defaults of a webhook",
      async (bench) => {
        const body = { metadata: { name: bench.name }, webhooks: [hook(bench, "/allow")] };
        const { webhooks } = await bench.must(
          "POST",
          `${ADMISSION}/validatingwebhookconfigurations?dryRun=All`,
          body,
        );
        const [{ failurePolicy, matchPolicy, timeoutSeconds, objectSelector, rules }] = webhooks;
        return { failurePolicy, matchPolicy, timeoutSeconds, objectSelector, scope: rules[0].scope };
      },
      {
        failurePolicy: "Fail",
        matchPolicy: "Equivalent",
        timeoutSeconds: 10,
        objectSelector: {},
        scope: "*",
      },
    ),
    behaviour(
      "refuses an invalid webhook",
      async (bench) => [
        await refused(bench, { timeoutSeconds: 31 }),
        await refused(bench, { name: "short" }),
        await refused(bench, { admissionReviewVersions: ["v9"] }),
        await refused(bench, { clientConfig: { url: "http://127.0.0.1/" } }),
      ],
      [
        "422 Invalid [webhooks[0].timeoutSeconds FieldValueInvalid]",
        "422 Invalid [webhooks[0].name FieldValueInvalid]",
        "422 Invalid [webhooks[0].admissionReviewVersions FieldValueInvalid]",
        "422 Invalid [webhooks[0].clientConfig.url FieldValueInvalid]",
      ],
    ),
  ],
};

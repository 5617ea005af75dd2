import { expect } from "vitest";
import { configMap } from "../../../builder/api-object.ts";
import { eventually, until } from "../../../wait.ts";
import { type Area, type Bench, behaviour, outcome, words } from "../behaviour.ts";
import { grant, READ } from "../grant.ts";

const AUTHORIZATION = "/apis/authorization.k8s.io/v1";
const AUTHENTICATION = "/apis/authentication.k8s.io/v1";
async function allowed({ must }: Bench, spec: object): Promise<boolean> {
  return (await must("POST", `${AUTHORIZATION}/subjectaccessreviews`, { spec })).status.allowed;
}

async function account({ must, core }: Bench, spec: object = {}): Promise<string> {
  await must("POST", `${core}/serviceaccounts`, { metadata: { name: "worker" } });
  return (await must("POST", `${core}/serviceaccounts/worker/token`, { spec })).status.token;
}

const reviewed = async ({ must }: Bench, spec: object) =>
  (await must("POST", `${AUTHENTICATION}/tokenreviews`, { spec })).status;

export const accessArea: Area = {
  title: "Access, reviews and tokens",
  behaviours: [
    behaviour(
      "refuses a request that no role allows, and names the user, the verb and the resource",
      async ({ send, core, name }) =>
        words(await send("GET", `${core}/configmaps/one`, undefined, { as: "stranger" })).replaceAll(
          name,
          "NAME",
        ),
      '403 Forbidden: configmaps "one" is forbidden: User "stranger" cannot get resource "configmaps" in API group "" in the namespace "NAME"',
    ),
    behaviour(
      "allows what a role allows, and nothing else",
      async (bench) => {
        const user = await grant(bench, READ);
        const list = await eventually(async () => {
          const answer = await bench.send("GET", `${bench.core}/configmaps`, undefined, user);
          expect(answer.status).toBe(200);
          return answer;
        });
        return [
          outcome(list),
          outcome(await bench.send("POST", `${bench.core}/configmaps`, configMap("one"), user)),
          outcome(await bench.send("GET", `${bench.core}/secrets`, undefined, user)),
          outcome(await bench.send("GET", "/api/v1/namespaces/default/configmaps", undefined, user)),
        ];
      },
      ["200", "403 Forbidden", "403 Forbidden", "403 Forbidden"],
    ),
    behaviour(
      "needs the right to impersonate",
      async (bench) => {
        const token = await account(bench);
        return outcome(
          await bench.send("GET", `${bench.core}/configmaps`, undefined, { token, as: "admin" }),
        );
      },
      "403 Forbidden",
    ),
    behaviour(
      "reviews the access of a user and of groups",
      async (bench) => {
        await grant(bench, READ);
        const resourceAttributes = { namespace: bench.name, verb: "list", resource: "configmaps" };
        await until(() => allowed(bench, { user: bench.name, resourceAttributes }), "the role applies");
        return [
          await allowed(bench, {
            user: bench.name,
            resourceAttributes: { ...resourceAttributes, verb: "watch" },
          }),
          await allowed(bench, { user: "x", groups: ["system:masters"], resourceAttributes }),
          await allowed(bench, {
            user: "x",
            groups: ["system:authenticated"],
            nonResourceAttributes: { path: "/version", verb: "get" },
          }),
          await allowed(bench, { user: "x", nonResourceAttributes: { path: "/metrics", verb: "get" } }),
        ];
      },
      [false, true, true, false],
    ),
    behaviour(
      "refuses an access review without attributes, with both kinds of attributes, or without a user",
      async ({ send }) => {
        const ask = (spec: object) => send("POST", `${AUTHORIZATION}/subjectaccessreviews`, { spec });
        const [resourceAttributes, nonResourceAttributes] = [{ verb: "get" }, { path: "/", verb: "get" }];
        return [
          (await ask({ user: "x" })).status,
          (await ask({ user: "x", resourceAttributes, nonResourceAttributes })).status,
          (await ask({ resourceAttributes })).status,
        ];
      },
      [422, 422, 422],
    ),
    behaviour(
      "reviews a user's own access and identity",
      async (bench) => {
        const user = { as: bench.name };
        const spec = { resourceAttributes: { verb: "get", resource: "secrets", namespace: bench.name } };
        const access = await bench.must("POST", `${AUTHORIZATION}/selfsubjectaccessreviews`, { spec }, user);
        const { status } = await bench.must("POST", `${AUTHENTICATION}/selfsubjectreviews`, {}, user);
        return [access.status.allowed, status.userInfo.username === bench.name, status.userInfo.groups];
      },
      [false, true, ["system:authenticated"]],
    ),
    behaviour(
      "lists the rules of a user in a namespace",
      async (bench) => {
        const user = await grant(bench, READ);
        const body = { spec: { namespace: bench.name } };
        return eventually(async () => {
          const { status } = await bench.must("POST", `${AUTHORIZATION}/selfsubjectrulesreviews`, body, user);
          const resources = status.resourceRules.flatMap((rule: { resources: string[] }) => rule.resources);
          expect(resources).toContain("configmaps");
          return status.incomplete;
        });
      },
      false,
    ),
    behaviour(
      "issues a token that proves its ServiceAccount",
      async (bench) => {
        const token = await account(bench);
        const { authenticated, user } = await reviewed(bench, { token });
        return [
          authenticated,
          user.username.replace(bench.name, "NAME"),
          user.groups.includes("system:serviceaccounts"),
        ];
      },
      [true, "system:serviceaccount:NAME:worker", true],
    ),
    behaviour(
      "reviews a token only for its audience",
      async (bench) => {
        const token = await account(bench, { audiences: ["vouchers"] });
        const own = await reviewed(bench, { token, audiences: ["vouchers", "other"] });
        const other = await reviewed(bench, { token, audiences: ["other"] });
        return [own.authenticated, own.audiences, other.authenticated ?? false];
      },
      [true, ["vouchers"], false],
    ),
    behaviour(
      "does not authenticate a text that is not a token",
      async (bench) => [
        (await reviewed(bench, { token: "nonsense" })).authenticated ?? false,
        outcome(await bench.send("GET", `${bench.core}/configmaps`, undefined, { token: "nonsense" })),
      ],
      [false, "401 Unauthorized"],
    ),
    behaviour(
      "does not issue a token for less than ten minutes, or for an account that does not exist",
      async (bench) => {
        await account(bench);
        const issue = (name: string, spec: object) =>
          bench.send("POST", `${bench.core}/serviceaccounts/${name}/token`, { spec });
        return [
          outcome(await issue("worker", { expirationSeconds: 10 })),
          outcome(await issue("nobody", {})),
        ];
      },
      ["422 Invalid [spec.expirationSeconds FieldValueInvalid]", "404 NotFound"],
    ),
    behaviour(
      "ends a token with the object that it is bound to",
      async (bench) => {
        const secret = await bench.must("POST", `${bench.core}/secrets`, { metadata: { name: "bound" } });
        const { name, uid } = secret.metadata;
        const boundObjectRef = { apiVersion: "v1", kind: "Secret", name, uid };
        const token = await account(bench, { boundObjectRef });
        // A review before the deletion would be kept for ten seconds.
        await bench.must("DELETE", `${bench.core}/secrets/bound`);
        return (await reviewed(bench, { token })).authenticated ?? false;
      },
      false,
    ),
    behaviour(
      "ends a token with its ServiceAccount",
      async (bench) => {
        const token = await account(bench);
        await bench.must("DELETE", `${bench.core}/serviceaccounts/worker`);
        const after = await eventually(async () => {
          const answer = await bench.send("GET", `${bench.core}/configmaps`, undefined, { token });
          expect(answer.status).toBe(401);
          return answer;
        });
        return outcome(after);
      },
      "401 Unauthorized",
    ),
    behaviour(
      "shows only health and version to unauthenticated clients",
      async ({ send, core }) => {
        const ask = async (path: string) => (await send("GET", path, undefined, { token: "" })).status;
        return [
          await ask("/readyz"),
          await ask("/version"),
          await ask(`${core}/configmaps`),
          await ask("/apis"),
        ];
      },
      [200, 200, 403, 403],
    ),
  ],
};

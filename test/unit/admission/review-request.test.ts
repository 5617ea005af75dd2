import { describe, expect, it } from "vitest";
import { MalformedReview, parseReview } from "../../../src/admission/review.ts";

describe("parseReview", () => {
  const body = (change: object = {}) => ({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "1",
      operation: "UPDATE",
      resource: { group: "apps", version: "v1", resource: "deployments" },
      subResource: "scale",
      name: "x",
      namespace: "shop",
      userInfo: { username: "a", groups: ["b", 1] },
      dryRun: true,
      object: { kind: "Scale" },
      oldObject: { kind: "Scale", spec: 1 },
      ...change,
    },
  });

  it("reads every field", () => {
    expect(parseReview(body())).toEqual({
      uid: "1",
      input: {
        operation: "UPDATE",
        group: "apps",
        resource: "deployments",
        subresource: "scale",
        name: "x",
        namespace: "shop",
        user: { username: "a", groups: ["b", "1"] },
        isDryRun: true,
        object: { kind: "Scale" },
        oldObject: { kind: "Scale", spec: 1 },
      },
    });
  });

  it("reads the uid of the user, and keeps the selection that it was sent for", () => {
    const { request } = body() as { request: object };
    const userInfo = { username: "a", uid: "u-1" };
    expect(parseReview({ request: { ...request, userInfo } }, "ordinary").input).toMatchObject({
      user: { username: "a", groups: [], uid: "u-1" },
      selected: "ordinary",
    });
    const impersonated = parseReview({ request: { ...request, userInfo: { ...userInfo, uid: "" } } });
    expect(impersonated.input.user).toEqual({ username: "a", groups: [] });
  });

  it("reads what may be missing as empty", () => {
    expect(
      parseReview({ request: { uid: "1", operation: "CONNECT", resource: {}, userInfo: {}, object: null } }),
    ).toEqual({
      uid: "1",
      input: {
        operation: "CONNECT",
        group: "",
        resource: "",
        subresource: "",
        name: "",
        namespace: "",
        user: { username: "", groups: [] },
        isDryRun: false,
        object: undefined,
        oldObject: undefined,
      },
    });
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["text", "AdmissionReview"],
    ["no request", {}],
    ["a request that is a list", { request: [] }],
    ["no uid", body({ uid: undefined })],
    ["a uid that is no text", body({ uid: 1 })],
    ["no resource", body({ resource: "pods" })],
    ["no user", body({ userInfo: null })],
  ])("refuses %s", (_, given) => {
    expect(() => parseReview(given)).toThrow(
      new MalformedReview("the body must be an AdmissionReview of admission.k8s.io/v1"),
    );
  });

  it.each([undefined, "PATCH", "create", 1])("refuses the operation %s", (operation) => {
    expect(() => parseReview(body({ operation }))).toThrow(
      new MalformedReview("request.operation must be one of CREATE, UPDATE, DELETE, CONNECT"),
    );
  });

  it.each(["CREATE", "UPDATE", "DELETE", "CONNECT"])("accepts the operation %s", (operation) => {
    expect(parseReview(body({ operation })).input.operation).toBe(operation);
  });
});

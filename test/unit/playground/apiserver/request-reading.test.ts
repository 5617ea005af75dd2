import { describe, expect, it } from "vitest";
import { humanDuration } from "../../../../src/playground/apiserver/duration.ts";
import { compileJsonPath } from "../../../../src/playground/apiserver/json-path.ts";
import { matchesLabels } from "../../../../src/playground/apiserver/label-selector.ts";
import { parseLabelSelector } from "../../../../src/playground/apiserver/label-selector-parser.ts";
import { answerForm } from "../../../../src/playground/apiserver/media-type.ts";
import { decodeProtobuf } from "../../../../src/playground/apiserver/protobuf.ts";
import { byPriority } from "../../../../src/playground/apiserver/registry.ts";
import { parseRequestInfo } from "../../../../src/playground/apiserver/request-info.ts";
import { StatusError } from "../../../../src/playground/apiserver/status.ts";

describe("parseRequestInfo", () => {
  it.each([
    [
      "GET",
      "/api/v1/pods",
      { verb: "list", group: "", version: "v1", namespace: "", plural: "pods", name: "" },
    ],
    ["GET", "/api/v1/namespaces/a/pods?watch=true", { verb: "watch", namespace: "a", plural: "pods" }],
    ["GET", "/api/v1/namespaces/a/pods/p", { verb: "get", namespace: "a", plural: "pods", name: "p" }],
    ["GET", "/api/v1/namespaces/a/pods/p/log", { verb: "get", name: "p", subresource: "log" }],
    ["GET", "/api/v1/namespaces/a", { verb: "get", plural: "namespaces", namespace: "a", name: "a" }],
    [
      "PUT",
      "/api/v1/namespaces/a/finalize",
      { verb: "update", plural: "namespaces", name: "a", subresource: "finalize" },
    ],
    [
      "PATCH",
      "/apis/apps/v1/namespaces/a/deployments/d/status",
      { verb: "patch", group: "apps", plural: "deployments", subresource: "status" },
    ],
    [
      "DELETE",
      "/apis/apps/v1/namespaces/a/deployments",
      { verb: "deletecollection", plural: "deployments", name: "" },
    ],
    ["POST", "/apis/apps/v1/namespaces/a/deployments", { verb: "create", plural: "deployments", name: "" }],
    ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Dx", { verb: "list", name: "x" }],
    ["GET", "/api/v1/namespaces/a%2Fb/pods", { namespace: "a/b" }],
  ])("%s %s", (method, url, expected) => {
    expect(parseRequestInfo(method, url)).toMatchObject({ kind: "resource", ...expected });
  });

  it.each(["/", "/version", "/api", "/apis", "/apis/apps", "/openapi/v3/apis/apps/v1", "/healthz"])(
    "takes %s for a path",
    (url) => {
      expect(parseRequestInfo("GET", url)).toMatchObject({ kind: "path", verb: "get", path: url });
    },
  );

  it("refuses a path that is not well escaped", () => {
    expect(() => parseRequestInfo("GET", "/api/v1/%zz")).toThrow(StatusError);
  });
});

describe("label selectors", () => {
  it.each([
    ["", {}, true],
    ["a=1", { a: "1" }, true],
    ["a==1,b", { a: "1" }, false],
    ["a!=1", {}, true],
    ["a in (1, 2)", { a: "2" }, true],
    ["a notin (1)", { a: "1" }, false],
    ["!a", { a: "" }, false],
    ["a=", { a: "" }, true],
    ["x.io/n>4", { "x.io/n": "5" }, true],
    ["n<5", { n: "x" }, false],
    ["constructor", {}, false],
  ])("%j on %j is %s", (selector, labels, expected) => {
    expect(matchesLabels(parseLabelSelector(selector), labels)).toBe(expected);
  });

  it.each(["a in b", "a in (b", "=", "a==b==c", "a b", "!", "n>x", "a=b%c", "-a"])(
    "refuses %j",
    (selector) => {
      expect(() => parseLabelSelector(selector)).toThrow(StatusError);
    },
  );
});

describe("compileJsonPath", () => {
  const object = {
    metadata: { labels: { "a.b/c": "x" } },
    status: {
      conditions: [
        { type: "A", status: "False" },
        { type: "Ready", status: "True" },
      ],
      list: [1, 2, 3],
    },
  };
  it.each([
    [".status.conditions[?(@.type=='Ready')].status", ["True"]],
    ['.status.conditions[?(@.type=="None")].status', []],
    [".metadata.labels['a.b/c']", ["x"]],
    [".metadata.labels.a\\.b/c", ["x"]],
    [".status.list[0]", [1]],
    [".status.list[-1]", [3]],
    [".status.list[*]", [1, 2, 3]],
    [".nothing.here", []],
    [".toString", []],
  ])("%s", (path, expected) => {
    expect(compileJsonPath(path)?.(object)).toEqual(expected);
  });

  it("does not compile a path with an unsupported step", () => {
    expect(compileJsonPath(".a[1:2]")).toBeUndefined();
  });
});

describe("answerForm", () => {
  it.each([
    [undefined, { encoding: "json", as: "object" }],
    ["*/*", { encoding: "json", as: "object" }],
    ["application/json;as=Table;v=v1;g=meta.k8s.io,application/json", { encoding: "json", as: "Table" }],
    [
      "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
      { encoding: "json", as: "object" },
    ],
    [
      "application/vnd.kubernetes.protobuf,application/yaml;q=0.5,application/json;q=0.9",
      { encoding: "json", as: "object" },
    ],
    [
      "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      { encoding: "json", as: "PartialObjectMetadata" },
    ],
  ])("of %s", (accept, expected) => {
    expect(answerForm(accept)).toEqual(expected);
  });

  it("refuses a client that accepts none of the served types", () => {
    expect(() => answerForm("text/html")).toThrow(StatusError);
  });
});

describe("humanDuration", () => {
  it.each([
    [-5, "<invalid>"],
    [0, "0s"],
    [119, "119s"],
    [120, "2m"],
    [192, "3m12s"],
    [3_600, "60m"],
    [4 * 3_600 + 60, "4h1m"],
    [30 * 3_600, "30h"],
    [3 * 86_400 + 3_600, "3d1h"],
    [400 * 86_400, "400d"],
    [3 * 365 * 86_400, "3y"],
  ])("of %d s is %s", (seconds, expected) => {
    expect(humanDuration(seconds)).toBe(expected);
  });
});

describe("byPriority", () => {
  it("sorts stable before beta before alpha, and newer before older", () => {
    expect(["v1alpha1", "v1", "v2beta1", "foo", "v2", "v1beta2", "v10"].sort(byPriority)).toEqual([
      "v10",
      "v2",
      "v1",
      "v2beta1",
      "v1beta2",
      "v1alpha1",
      "foo",
    ]);
  });
});

describe("decodeProtobuf", () => {
  // `kubectl create namespace a` as kubectl sends it.
  const namespace = Buffer.from(
    "6b3873000a0f0a02763112094e616d65737061636512190a110a01611200" +
      "1a0022002a0032003800420012001a020a001a002200",
    "hex",
  );

  it("reads kubectl's requests", () => {
    expect(decodeProtobuf(namespace)).toMatchObject({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "a" },
    });
  });

  it("refuses every truncated body with a Status", () => {
    for (let length = 0; length < namespace.length; length++) {
      try {
        decodeProtobuf(namespace.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(StatusError);
      }
    }
  });

  it("does not decode an unknown kind", () => {
    const other = Buffer.from(namespace);
    other.write("Nonsense1", 12);
    expect(decodeProtobuf(other)).toBeUndefined();
  });
});

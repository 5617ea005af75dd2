import { describe, expect, it } from "vitest";
import { creation, deletion, request, violationsOf } from "../../../support/builder/admission-request.ts";

/** An object with this many levels below itself. */
const nested = (levels: number) =>
  Array.from({ length: levels }).reduce<Record<string, unknown>>((inner) => ({ a: inner }), {});

describe("an object that nests deeper than 64 levels", () => {
  const violation = {
    rule: "object-depth",
    path: "a.".repeat(40),
    message: "the object nests deeper than 64 levels, so it cannot be judged; flatten it",
  };
  it.each([
    ["created", creation({ object: nested(65) })],
    ["created, however deep", creation({ object: nested(5_000) })],
    ["written over a flat one", request({ object: nested(65) })],
    ["written over a deep one", request({ object: nested(65), oldObject: nested(5_000) })],
  ])("refuses an object that nests too deep when it is %s", (_, input) => {
    expect(violationsOf(input)).toEqual([violation]);
  });

  it.each([
    ["not deeper", creation({ object: nested(64) })],
    ["replaced by a flat one", request({ object: nested(1), oldObject: nested(5_000) })],
    ["deleted", deletion({ oldObject: nested(5_000) })],
  ])("passes an object that nests too deep when it is %s", (_, input) => {
    expect(violationsOf(input)).toEqual([]);
  });
});

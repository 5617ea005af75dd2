import { describe, expect, it } from "vitest";
import { mutantsOf, mutated } from "../../mutation/mutant.ts";

const mutantTexts = (source: string) => mutantsOf(source).map((mutant) => mutated(source, mutant));

describe("mutantsOf", () => {
  it.each<[string, string, string[]]>([
    ["a condition", "if (a) b();", ["if (true) b();", "if (false) b();"]],
    ["a choice", "x = a ? 1 : 2;", ["x = true ? 1 : 2;", "x = false ? 1 : 2;"]],
    ["a comparison", "x = a < b;", ["x = (a <= b);"]],
    ["an equality", "x = a === b;", ["x = (a !== b);"]],
    ["a logical operator", "x = a && b;", ["x = (a || b);"]],
    ["a negation", "x = !a.b;", ["x = (a.b);"]],
    ["a literal", "x = true;", ["x = false;"]],
    ["a part of a list", "x = [...a, b];", ["x = [...[], b];"]],
    ["a question to a list", "x = a.some(b);", ["x = a.every(b);"]],
    ["a question to a text", "x = a.b.endsWith(c);", ["x = a.b.startsWith(c);"]],
    ["an expression under a type", "x = (!a as boolean);", ["x = ((a) as boolean);"]],
  ])("changes %s", (_, source, texts) => expect(mutantTexts(source)).toEqual(texts));

  it.each([
    "type A = true extends false ? 1 : 2;",
    "interface A { a: true }",
    'import { some } from "a";',
    "for (let i = 0; i < 2; i += 1) a(i);",
    "while (!a) b();",
    "x = a ?? b + c;",
    "x = some(a);",
    "x = a[0](b);",
    "x = -a;",
    "x = [a, b];",
  ])("leaves alone %s", (source) => expect(mutantsOf(source)).toEqual([]));

  it("says on which line each is, in their order", () => {
    expect(mutantsOf("x = a === b;\n\nif (c) d();").map(({ line }) => line)).toEqual([1, 3, 3]);
  });

  it("counts characters as strings do", () => {
    expect(mutantTexts('x = "😀…"; y = a === b;')).toEqual(['x = "😀…"; y = (a !== b);']);
  });
});

import { expect } from "vitest";
import { billing, superadmin } from "../suite/one-billing.ts";
import type { Answer, Question } from "./billing.ts";

/** Expects a problem with both members and not a 500, and that the service still answers. */
export async function expectRefusal(
  path: string,
  question: Question,
  allowed: number[] = [400, 413],
): Promise<Answer> {
  const answer = await billing.ask(path, { token: superadmin, ...question });
  expect(allowed, `${question.method ?? "POST"} ${path}: ${answer.text.slice(0, 200)}`).toContain(
    answer.status,
  );
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  expect(answer.json.error).toBe(answer.json.detail);
  expect(answer.text).not.toMatch(/postgres|syntax error|invalid byte|at .*\.ts:/i);
  return answer;
}

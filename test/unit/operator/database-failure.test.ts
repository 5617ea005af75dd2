import { describe, expect, it } from "vitest";
import { describeDatabaseFailure } from "../../../src/operator/database-failure.ts";

describe("describeDatabaseFailure", () => {
  it.each([
    ["28P01", "the database refuses the user or the password"],
    ["28000", "the database refuses the user or the password"],
    ["3D000", "the server has no database of this name"],
    ["53300", "the server has no free connection"],
    ["57P03", "the server is starting or shutting down"],
    ["ECONNREFUSED", "nothing listens at this host and port"],
    ["ENOTFOUND", "the host name cannot be resolved"],
    ["EAI_AGAIN", "the host name cannot be resolved"],
    ["ECONNRESET", "the server closed the connection"],
    ["ETIMEDOUT", "the server does not answer"],
    ["XX000", "the server does not answer (XX000)"],
    [undefined, "the server does not answer (timeout)"],
  ])("describes %s and never repeats the error's message", (code, reason) => {
    const error = Object.assign(new Error("postgresql://user:hunter2@host/db"), code && { code });
    expect(describeDatabaseFailure(error)).toBe(reason);
  });
});

import { describe, expect, it } from "vitest";
import { readPerson, whoAmI } from "../../../src/kube/self-review.ts";

/** A client whose API server answers a review of the person with this status. */
const answering = (status: object | undefined) => ({ create: async <T>() => ({ status }) as T });

describe("the person whom the API server has authenticated", () => {
  it("has a name and groups", async () => {
    const client = answering({ userInfo: { username: "fatma", groups: ["platform-team"] } });
    expect(await readPerson(client)).toEqual({ username: "fatma", groups: ["platform-team"] });
    expect(await whoAmI(client)).toBe("fatma");
  });

  it.each([[undefined], [{}], [{ userInfo: {} }]])("has neither where the answer is %j", async (status) => {
    expect(await readPerson(answering(status))).toEqual({ username: "", groups: [] });
  });
});

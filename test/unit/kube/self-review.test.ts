import { describe, expect, it } from "vitest";
import { readPerson, whoAmI } from "../../../src/kube/self-review.ts";

/** A client whose API server answers a SelfSubjectReview with this status. */
const answering = (status: object | undefined) => ({ create: async <T>() => ({ status }) as T });

describe("readPerson", () => {
  it("returns the name and the groups that the API server has authenticated", async () => {
    const client = answering({ userInfo: { username: "fatma", groups: ["platform-team"] } });
    expect(await readPerson(client)).toEqual({ username: "fatma", groups: ["platform-team"] });
    expect(await whoAmI(client)).toBe("fatma");
  });

  it.each([[undefined], [{}], [{ userInfo: {} }]])(
    "returns no name and no groups when the answer is %j",
    async (status) => {
      expect(await readPerson(answering(status))).toEqual({ username: "", groups: [] });
    },
  );
});

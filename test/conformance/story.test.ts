import { describe, expect, it } from "vitest";
import { describeStory } from "../support/suite/story.ts";

describe("KUBEBUILDER_ASSETS", () => {
  it("names a folder with kube-apiserver and etcd: test/conformance/build-tools.sh FOLDER builds them", () => {
    expect(process.env.KUBEBUILDER_ASSETS).toBeTruthy();
  });
});

describeStory("real");

import { describe, expect, it } from "vitest";
import { describeKubeControlPlane } from "../support/suite/kube.ts";

describe("KUBEBUILDER_ASSETS", () => {
  it("names a folder with kube-apiserver and etcd: test/conformance/build-tools.sh FOLDER builds them", () => {
    expect(process.env.KUBEBUILDER_ASSETS).toBeTruthy();
  });
});

describeKubeControlPlane("real");

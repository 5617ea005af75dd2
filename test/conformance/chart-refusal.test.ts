import { describe, expect, it } from "vitest";
import { render } from "./helm-chart.ts";

describe("the chart", () => {
  it.each([
    ["no digest", ["--set", "image.digest="], "image.digest"],
    ["a tag for a digest", ["--set", "image.digest=latest"], "/image/digest"],
    ["an unknown value", ["--set", "imagePullPolicy=Always"], "imagePullPolicy"],
    ["a misspelt limit", ["--set", "resources.limts.memory=1Gi"], "limts"],
    ["a resource that no node has", ["--set", "resources.limits.memroy=1Gi"], "memroy"],
    ["an invalid amount", ["--set", "resources.limits.memory=1 GB"], "/resources/limits/memory"],
    ["a misspelt toleration", ["--set", "tolerations[0].kye=gpu"], "kye"],
    ["a misspelt affinity", ["--set", "affinity.podAffinty.x=1"], "podAffinty"],
    ["a pull secret that is only a name", ["--set", "image.pullSecrets={one}"], "/image/pullSecrets/0"],
    ["a misspelt trust", ["--set", "trust.trsut[0].publicKey=x"], "trsut"],
    [
      "a trust entry that names two things",
      [
        "--set",
        "trust.trust[0].publicKey=x,trust.trust[0].keyless.issuer=y,trust.trust[0].keyless.identity=z",
      ],
      "/trust/trust/0",
    ],
    ["two servers on one port", ["--set", "http.port=8085"], "must differ"],
    ["a range without a length", ["--set", "webhook.allowedCidrs={192.0.2.1}"], "/webhook/allowedCidrs/0"],
    [
      "names of client certificates without the CA that is checked",
      ["--set", "webhook.clientCertificate.names={api}"],
      "/webhook/clientCertificate/configMapName",
    ],
    ...["ops", "system:", "system:s", "system:serviceaccount:a:", "system:anonymous"].map(
      (prefix): [string, string[], string] => [
        `${prefix} as the control plane`,
        ["--set", `controlPlane.userPrefixes={${prefix}}`],
        "/controlPlane/userPrefixes/0",
      ],
    ),
    [
      "everyone as the platform",
      ["--set", "platform.groups={ops,system:authenticated}"],
      "/platform/groups/1",
    ],
    ["no value for what has a default", ["--set", "webhook.port=null"], "missing property 'port'"],
    ["another namespace", ["--namespace", "elsewhere"], "catalyst-system"],
    [
      "closed destinations without a NetworkPolicy",
      ["--set", "networkPolicy.egress.enabled=true"],
      "set networkPolicy.enabled=true",
    ],
    [
      "peers without a NetworkPolicy",
      ["--set", "networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus"],
      "set networkPolicy.enabled=true",
    ],
    [
      "rules for destinations that are not closed",
      ["--set", "networkPolicy.enabled=true,networkPolicy.egress.rules[0].ports[0].port=9092"],
      "networkPolicy.egress.enabled=true",
    ],
    ...["https://mirror.example:5000", "http://mirror.example"].map((origin): [string, string[], string] => [
      `the mirror ${origin} behind a closed port`,
      ["--set", `networkPolicy.enabled=true,networkPolicy.egress.enabled=true,registryMirrors.one=${origin}`],
      `registryMirrors names ${origin}, and networkPolicy.egress.ports closes port`,
    ]),
    ["a trusted root without a trust", ["--set", "trustedRoot=x"], "trustedRoot has no effect without trust"],
    [
      "an issuer in another mode than cert-manager",
      ["--set", "webhook.certificate.certManager.issuerRef.name=ca"],
      "set webhook.certificate.mode=cert-manager",
    ],
  ])("refuses %s, and names it", async (_, args, words) => {
    await expect(render(...args)).rejects.toThrow(words);
  });
});

import { describe, expect, it } from "vitest";
import { hostsOfMatch } from "../../../../src/admission/rules/router-match.ts";

describe("hostsOfMatch", () => {
  it.each<[string, string[]]>([
    ["Host(`a.b`)", ["a.b"]],
    [" Host ( `a.b` , \"c.d\" 'e.f' ) ", ["a.b", "c.d", "e.f"]],
    ["host(`a.b`) && PathPrefix(`/x`)", ["a.b"]],
    ["PathPrefix(`/x`) && HostSNI(`a.b`)", ["a.b"]],
    ["Host(`a.b`) || Host(`c.d`)", ["a.b", "c.d"]],
    ["(Host(`a.b`) || HostHeader(`c.d`)) && Method(`GET`)", ["a.b", "c.d"]],
    ["Host(`a.b`) && !PathPrefix(`/x`)", ["a.b"]],
    ["Host(`a.b`) && HostRegexp(`.*`)", ["a.b"]],
    ["Host(`a.b`) && Header(`x`, `Host(`)", ["a.b"]],
    ["Host(`a.b`) && PathRegexp(`^/v\\d+\r$`)", ["a.b"]],
    ['Host("a.b") && Path("/c")', ["a.b"]],
  ])("limits %s to its hosts", (match, hosts) => {
    expect(hostsOfMatch(match)).toEqual(hosts);
  });

  it.each([
    "",
    "PathPrefix(`/`)",
    "HostRegexp(`.*`)",
    "Host(`a.b`) || PathPrefix(`/`)",
    "Host(`a.b`) || (Host(`c.d`) || Path(`/`))",
    "!Host(`a.b`)",
    "!(Host(`a.b`))",
    "Host(`a.b`",
    "Host(a.b)",
    "Host(`a.b`) Host(`c.d`)",
    "Host(`a.b`) &&",
    "(Host(`a.b`)",
    "Header(`Host`, `a.b`)",
    `${"(".repeat(40)}Host(\`a.b\`)${")".repeat(40)}`,
    `Host(\`${"a".repeat(5000)}\`)`,
    'Host("a\\x2eb")',
    'Path("\\") && Host(`a.b`) && Path("/\\") || Path("/")',
    "Host(`a\r.b`)",
    "Host(`c.d`, `a.b\u0085`)",
  ])("takes %s as one that matches any host", (match) => {
    expect(hostsOfMatch(match)).toBeUndefined();
  });
});

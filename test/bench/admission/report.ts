import { barTable } from "../bar.ts";
import type { Machine } from "../machine.ts";
import { profileTable } from "../profile.ts";
import { figure, range, textTable } from "../text-table.ts";
import type { ApplyResult } from "./apply-latency.ts";
import type { AdmissionBenchResult } from "./bench.ts";
import type { SideResult } from "./result.ts";

export function renderReport(machine: Machine, result: AdmissionBenchResult): string {
  const { fleet, scenarios, apply, profiles } = result;
  return [
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGib} GiB, ${machine.system}, Node ${machine.node}`,
    `${result.rounds} rounds of ${result.measureMs} ms; ${fleet.franchises} Franchises, ${fleet.sovereigns} Sovereigns, ${fleet.organizations} Organizations, ${fleet.namespaces} namespaces`,
    ...(scenarios.length === 0 ? [] : renderReviews(result)),
    ...(apply === undefined ? [] : [renderApply(apply)]),
    ...profiles.map(({ scenario, packages, functions }) =>
      [
        `where the time goes: ${scenario}`,
        profileTable("operator, by package", packages),
        profileTable("operator, by function", functions),
      ].join("\n"),
    ),
    barTable(result.bars),
  ].join("\n\n");
}

function renderReviews({ memoryAtRest, scenarios }: AdmissionBenchResult): string[] {
  const cold = scenarios.filter(({ reviews }) => reviews === "cold");
  return [
    `operator at rest: ${figure(memoryAtRest?.rssMib)} MiB resident, ${figure(memoryAtRest?.pssMib)} MiB proportional`,
    textTable([
      ["reviews/s: median (min–max)", "webhook", "bare server", "ratio"],
      ...scenarios.map(({ name, webhook, floor, ratio }) => [
        name,
        range(webhook.perSecond),
        floor === undefined ? "–" : range(floor.perSecond),
        ratio === undefined ? "–" : range(ratio),
      ]),
    ]),
    textTable([
      ["medians", "", "p50 ms", "p99 ms", "CPU ms", "generator CPU ms", "peak MiB"],
      ...scenarios.flatMap(({ name, webhook, floor }) => [
        sideRow(name, "webhook", webhook),
        ...(floor === undefined ? [] : [sideRow("", "bare server", floor)]),
      ]),
    ]),
    ...(cold.length === 0
      ? []
      : [
          textTable([
            ["signatures", "registry requests", "registry's own ms", "p99 ms beside it"],
            ...cold.map(({ name, webhook, besideRegistryMs }) => [
              name,
              figure(webhook.registryRequests.median),
              figure(webhook.registryMs.median),
              range(besideRegistryMs),
            ]),
          ]),
        ]),
  ];
}

const sideRow = (name: string, side: string, result: SideResult): string[] => [
  ...[name, side],
  figure(result.p50Ms.median),
  figure(result.p99Ms.median),
  figure(result.cpuMs.median),
  figure(result.generatorCpuMs.median),
  figure(result.peakMemoryMib.max),
];

function renderApply(apply: ApplyResult | { skipped: string }): string {
  if ("skipped" in apply) return `apply on the real API server: skipped, because ${apply.skipped}`;
  const { nothing, policy, webhook, added } = apply;
  return textTable([
    ["apply on the real API server", "p50 ms", "p99 ms", "added ms: median (min–max)"],
    ["no admission", figure(nothing.p50Ms.median), figure(nothing.p99Ms.median), "–"],
    ["native policy", figure(policy.p50Ms.median), figure(policy.p99Ms.median), range(added.policyMs)],
    ["webhook", figure(webhook.p50Ms.median), figure(webhook.p99Ms.median), range(added.webhookMs)],
  ]);
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { ORGANIZATION, type Organization } from "../../../src/api/organization.ts";
import type { KubeError } from "../../../src/kube/error.ts";
import { createEventRecorder } from "../../../src/kube/event.ts";
import {
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  EVENTS,
  NAMESPACES,
  resourceOf,
} from "../../../src/kube/resource.ts";
import { createStatusWriter } from "../../../src/kube/status.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { until } from "../wait.ts";
import { configMap, type KubeBench } from "./kube-bench.ts";

const logger = createLogger("test", "silent");
const ORGANIZATIONS = resourceOf(ORGANIZATION);

export function describeStatus(bench: KubeBench): void {
  describe("a status", () => {
    const condition = (type: string) => ({
      type,
      status: "True" as const,
      reason: "Made",
      message: "as it is",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    });

    it("is written whole, and not at all when nothing changed", async () => {
      const client = bench.client();
      const path = join(import.meta.dirname, "../../../crds/organizations.catalyst.openova.io.yaml");
      await client.apply(CUSTOM_RESOURCE_DEFINITIONS, parse(readFileSync(path, "utf8")), {
        fieldManager: "us",
      });
      const manifest: Organization = {
        apiVersion: "catalyst.openova.io/v1alpha1",
        kind: "Organization",
        metadata: { name: "acme" },
        spec: { displayName: "Acme", owner: "ann", sovereign: "omantel" },
      };
      const create = () =>
        client.create(ORGANIZATIONS, manifest).catch((error: unknown) => {
          if ((error as KubeError).status === 404) return undefined;
          throw error;
        });
      const first = await until(create, "the API server serves Organizations");
      const look = () => client.get<Organization>(ORGANIZATIONS, { name: "acme" }) as Promise<Organization>;
      const newWriter = () =>
        createStatusWriter<Organization>(
          { client, fieldManager: "catalyst-operator", events: { settle: async () => undefined }, logger },
          ORGANIZATIONS,
        );
      const writer = newWriter();

      await writer.write(first, {
        observedGeneration: 1,
        namespaces: ["org-acme"],
        conditions: [condition("Ready"), condition("Reconciling")],
      });
      const seen = await look();
      expect(seen.status?.conditions?.map(({ type }) => type)).toEqual(["Ready", "Reconciling"]);

      await newWriter().write(seen, {
        ...seen.status,
        subscription: undefined,
      } as never);
      expect((await look()).metadata.resourceVersion).toBe(seen.metadata.resourceVersion);

      const rest = { observedGeneration: 1, conditions: [condition("Ready")] };
      await writer.write(seen, rest);
      const left = await look();
      expect(left.status).toEqual(rest);

      // While the cache is stale, the writer's own last status counts. Afterwards the server's does.
      expect(writer.newest(seen).status).toEqual(left.status);
      await writer.write(seen, rest);
      expect((await look()).metadata.resourceVersion).toBe(left.metadata.resourceVersion);
      expect(writer.newest(left)).toBe(left);
    });
  });
}

export function describeEvents(bench: KubeBench): void {
  type CoreEvent = KubernetesObject & Record<string, unknown>;
  const recorder = () =>
    createEventRecorder({
      client: bench.client(),
      component: "catalyst-operator",
      instance: "catalyst-operator-0",
      logger,
      now: () => new Date(),
    });

  describe("events", () => {
    it("counts repeats on one Event, also after a restart, where kubectl describe finds it", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const about = await client.create(CONFIG_MAPS, configMap(namespace, "subject"));
      const events = recorder();
      for (let i = 0; i < 3; i += 1) events.record(about, "Warning", "DriftCorrected", "data.a was changed");
      await events.flush();
      const restarted = recorder();
      restarted.record(about, "Warning", "DriftCorrected", "data.a was changed");
      await restarted.flush();
      const { uid } = about.metadata;
      const fieldSelector = `involvedObject.uid=${uid},involvedObject.name=subject`;
      const { items } = await client.list<CoreEvent>(EVENTS, { namespace, fieldSelector });
      expect(items).toHaveLength(1);
      expect(items[0]).toMatchObject({
        type: "Warning",
        reason: "DriftCorrected",
        message: "data.a was changed",
        count: 4,
        involvedObject: { apiVersion: "v1", kind: "ConfigMap", name: "subject", namespace, uid },
        source: { component: "catalyst-operator" },
      });
    });

    it("combines many messages of one reason, and uses namespace default for cluster-scoped objects", async () => {
      const client = bench.client();
      const name = await bench.namespace();
      const about = (await client.get(NAMESPACES, { name })) as KubernetesObject;
      const events = recorder();
      for (let i = 1; i <= 25; i += 1) events.record(about, "Normal", "Counted", `number ${i}`);
      await events.flush();
      const { items } = await client.list<CoreEvent>(EVENTS, {
        namespace: "default",
        fieldSelector: `involvedObject.name=${name}`,
      });
      expect(items).toHaveLength(11);
      const combined = items.find(({ message }) => String(message).startsWith("(combined"));
      expect(combined).toMatchObject({ message: "(combined from similar events): number 25", count: 15 });
    });

    it("ignores a failure to write an event", async () => {
      const { apiVersion, kind, metadata } = configMap("no-such-namespace", "subject");
      const events = recorder();
      events.record({ apiVersion, kind, metadata }, "Normal", "Noted", "not stored");
      await events.flush();
      const fieldSelector = "involvedObject.namespace=no-such-namespace";
      expect((await bench.client().list(EVENTS, { fieldSelector })).items).toEqual([]);
    });
  });
}

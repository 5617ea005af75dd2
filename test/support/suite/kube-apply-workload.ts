import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { desiredConfiguration } from "../../../src/controllers/sovereign/desired-configuration.ts";
import {
  desiredNamespace,
  desiredServiceAccounts,
} from "../../../src/controllers/sovereign/desired-metadata.ts";
import { desiredSettings } from "../../../src/controllers/sovereign/desired-settings.ts";
import { desiredWorkload } from "../../../src/controllers/sovereign/desired-workload.ts";
import { DEPLOYMENTS } from "../../../src/kube/resource.ts";
import { cached as cachedOn, type KubeBench, newApplier as newApplierOn } from "./kube-bench.ts";

const IMAGE = `registry.catalyst.example/catalyst@sha256:${"a".repeat(64)}`;

type Deployment = KubernetesObject & {
  spec: {
    template: {
      spec: { hostNetwork?: boolean; containers: { name: string; image: string; env?: object[] }[] };
    };
  };
};

const deployment = (namespace: string, image = IMAGE): Deployment =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "billing", namespace, labels: { app: "billing" } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "billing" } },
      template: {
        metadata: { labels: { app: "billing" } },
        spec: {
          containers: [
            {
              name: "billing",
              image,
              env: [{ name: "PORT", value: "8085" }],
              resources: { requests: { cpu: "0.5", memory: "1024Mi" }, limits: { cpu: "1000m" } },
            },
          ],
        },
      },
    },
  }) as unknown as Deployment;

/** How the applier treats the objects of a Sovereign, to which the server adds defaults. */
export function describeWorkloadApplier(bench: KubeBench): void {
  const newApplier = () => newApplierOn(bench);
  const cached = (object: KubernetesObject) => cachedOn(bench, object);

  describe("the applier of a Sovereign's objects", () => {
    it("writes each object of a Sovereign once, although the server adds defaults", async () => {
      const path = join(import.meta.dirname, "../../../docs/examples/50-sovereign-omantel.yaml");
      const example = parse(readFileSync(path, "utf8")) as Sovereign;
      const sovereign: Sovereign = {
        ...example,
        spec: {
          ...example.spec,
          // The keys are the defaults of the CRD.
          billing: {
            ...example.spec.billing,
            database: { secretRef: { name: "billing-db", key: "uri" } },
            auth: { secretRef: { name: "billing-jwt", key: "secret" } },
            ingress: { host: "billing.omantel.omani.works", className: "nginx" } as never,
          },
        },
      };
      const franchise = undefined;
      const desired = [
        desiredNamespace(sovereign),
        ...desiredServiceAccounts(sovereign),
        desiredConfiguration({
          ...{
            sovereign,
            franchise,
            isInTerm: true,
            blueprints: [],
            orderNoticeUrl: "http://operator/orders-placed",
            operatorJwks: { keys: [] },
          },
          settings: desiredSettings({ sovereign, franchise, isHostTaken: false }),
        }),
        ...desiredWorkload(sovereign, IMAGE, undefined),
      ];
      expect(desired.map(({ kind }) => kind)).toContain("Ingress");
      for (const object of desired)
        expect((await newApplier().apply(object, undefined)).kind, object.kind).toBe("created");
      for (const object of desired) {
        const live = await cached(object);
        const { kind, object: after } = await newApplier().apply(object, live);
        expect(kind, object.kind).toBe("unchanged");
        expect(after).toBe(live);
      }
    });

    it("corrects the changes of another writer, and removes its additions", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const desired = deployment(namespace);
      await newApplier().apply(desired, undefined);
      const live = (await client.get<Deployment>(DEPLOYMENTS, desired.metadata)) as Deployment;
      const { spec } = live.spec.template;
      const [billing] = spec.containers;
      await bench.connect("kubectl-edit").replace(DEPLOYMENTS, {
        ...live,
        metadata: { ...live.metadata, labels: { ...live.metadata.labels, team: "theirs" } },
        spec: {
          ...live.spec,
          template: {
            ...live.spec.template,
            spec: {
              ...spec,
              hostNetwork: true,
              containers: [
                {
                  ...billing,
                  image: "evil",
                  env: [...(billing?.env ?? []), { name: "LD_PRELOAD", value: "x" }],
                },
                { name: "miner", image: "miner" },
              ],
            },
          },
        },
      } as Deployment);

      const outcome = await newApplier().apply(desired, await cached(desired));
      expect(outcome.kind).toBe("corrected");
      const fields = outcome.kind === "corrected" ? outcome.fields : [];
      const containers = "spec.template.spec.containers";
      expect(fields).toEqual(
        expect.arrayContaining([
          `${containers}[billing].image`,
          `${containers}[billing].env[LD_PRELOAD]`,
          `${containers}[miner]`,
          "spec.template.spec.hostNetwork",
        ]),
      );
      const after = (await client.get<Deployment>(DEPLOYMENTS, desired.metadata)) as Deployment;
      const { hostNetwork, containers: left } = after.spec.template.spec;
      expect(left.map(({ name, image, env }) => [name, image, env])).toEqual([
        ["billing", IMAGE, [{ name: "PORT", value: "8085" }]],
      ]);
      expect(hostNetwork).toBeUndefined();
      // Labels of other writers stay.
      expect(after.metadata.labels).toEqual({ app: "billing", team: "theirs" });
      expect((await newApplier().apply(desired, await cached(desired))).kind).toBe("unchanged");
    });
  });
}

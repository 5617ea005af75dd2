import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import type { OwnedObject } from "../../../src/kube/foreign-field.ts";
import { DEPLOYMENTS, JOBS, NAMESPACES, SECRETS } from "../../../src/kube/resource.ts";
import { release, sovereign } from "../builder/catalyst-object.ts";
import type { ControllerRun } from "../process/controller-run.ts";
import { RELEASES, SOVEREIGNS, settled, useOperatorBench } from "../process/operator-bench.ts";
import { until } from "../wait.ts";

const namespace = "sovereign-zero";
/** CloudNativePG writes the Secret of the application's user as `<cluster>-app`. */
const DATABASE = "billing-app";
/** cert-manager writes the certificate of the Ingress. */
const CERTIFICATE = "billing-tls";
const HOST = `billing-rw.${namespace}`;

const base64 = (values: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  );

/** The Secret that CloudNativePG makes for the application's user of Cluster `billing`. */
function databaseSecret(password: string): KubernetesObject {
  const [user, dbname, port] = ["billing", "billing", "5432"];
  const query = `user=${user}&password=${password}`;
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/basic-auth",
    metadata: {
      ...{ name: DATABASE, namespace },
      labels: { "cnpg.io/cluster": "billing", "cnpg.io/reload": "true", "cnpg.io/userType": "app" },
      annotations: { "cnpg.io/operatorVersion": "1.28.0" },
      ownerReferences: [
        {
          apiVersion: "postgresql.cnpg.io/v1",
          kind: "Cluster",
          name: "billing",
          uid: "uid-cluster",
          controller: true,
        },
      ],
    },
    data: base64({
      ...{ username: user, user, password, dbname, host: "billing-rw", port },
      pgpass: `billing-rw:${port}:${dbname}:${user}:${password}\n`,
      uri: `postgresql://${user}:${password}@${HOST}:${port}/${dbname}`,
      "jdbc-uri": `jdbc:postgresql://${HOST}:${port}/${dbname}?${query}`,
      "fqdn-uri": `postgresql://${user}:${password}@${HOST}.svc.cluster.local:${port}/${dbname}`,
      "fqdn-jdbc-uri": `jdbc:postgresql://${HOST}.svc.cluster.local:${port}/${dbname}?${query}`,
    }),
  } as KubernetesObject;
}

/** The Secret that cert-manager makes for a Certificate, with `--enable-certificate-owner-ref`. */
function certificateSecret(serial: number): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/tls",
    metadata: {
      ...{ name: CERTIFICATE, namespace },
      labels: { "controller.cert-manager.io/fao": "true" },
      annotations: { "cert-manager.io/certificate-name": CERTIFICATE, "cert-manager.io/issuer-name": "ca" },
      ownerReferences: [
        {
          apiVersion: "cert-manager.io/v1",
          kind: "Certificate",
          name: CERTIFICATE,
          uid: "uid-certificate",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    data: base64({ "tls.crt": `certificate ${serial}`, "tls.key": `key ${serial}` }),
  } as KubernetesObject;
}

/**
 * A Sovereign whose database CloudNativePG runs in its namespace, and whose certificate cert-manager renews. Both own their
 * Secrets.
 */
export function describeCloudNativePgSecret(start?: Parameters<typeof useOperatorBench>[0]): void {
  const bench = useOperatorBench(start);
  let run: ControllerRun;
  const read = (name: string) =>
    bench.client().get<OwnedObject & { data?: unknown }>(SECRETS, { namespace, name });
  const deployment = () => bench.client().get<KubernetesObject>(DEPLOYMENTS, { namespace, name: "billing" });
  const jobs = async () => (await bench.client().list(JOBS, { namespace })).items;
  /** Another product writes its Secret again: the newest version, replaced as a whole. */
  async function replace(secret: KubernetesObject): Promise<void> {
    const { resourceVersion } = (await read(secret.metadata.name))?.metadata ?? {};
    const version = resourceVersion === undefined ? {} : { resourceVersion };
    await bench.client().replace(SECRETS, { ...secret, metadata: { ...secret.metadata, ...version } });
  }
  const identityOf = ({ metadata }: OwnedObject) => ({
    labels: metadata.labels,
    annotations: metadata.annotations,
    ownerReferences: metadata.ownerReferences,
    finalizers: metadata.finalizers,
  });

  describe("Secrets that CloudNativePG and cert-manager own", () => {
    beforeAll(async () => {
      await bench.client().create<BillingRelease>(RELEASES, release());
      run = bench.startControllers();
      const own = sovereign("zero", { role: "CatalystZero" });
      const billing = {
        ...own.spec.billing,
        // No key: the default is the one that CloudNativePG writes.
        database: { secretRef: { name: DATABASE } },
        ingress: { host: "zero.example", tlsSecretName: CERTIFICATE },
      };
      await bench
        .client()
        .create<Sovereign>(SOVEREIGNS, { ...own, spec: { ...own.spec, billing } } as unknown as Sovereign);
      await until(
        async () => bench.client().get(NAMESPACES, { name: namespace }),
        async () => namespace,
      );
      await bench.client().create(SECRETS, certificateSecret(1));
    });

    it("are waited for by name and key, and make the Sovereign Ready when they come", async () => {
      const waiting = await bench.awaitCondition("zero", "DatabaseReady", "False", "SecretMissing", 30_000);
      expect(JSON.stringify(waiting.status?.conditions)).toContain(
        `Secret ${namespace}/${DATABASE} does not exist: create it with the Postgres URL under key uri`,
      );
      await bench.client().create(SECRETS, databaseSecret("first"));
      await bench.awaitCondition("zero", "Ready", "True", undefined, 30_000);
      await settled(run);
      const variable = { name: "DATABASE_URL", valueFrom: { secretKeyRef: { name: DATABASE, key: "uri" } } };
      for (const object of [await deployment(), (await jobs())[0]])
        expect((object as unknown as Templated).spec.template.spec.containers[0].env).toContainEqual(
          variable,
        );
      expect(new Set(bench.simulation().probes)).toEqual(
        new Set([`postgresql://billing:first@${HOST}:5432/billing`]),
      );
    });

    it("replace the Pods once for a rotated password, without another migration", async () => {
      const { generation = 0 } = (await deployment())?.metadata ?? {};
      const migrations = bench.simulation().migrations.length;
      await replace(databaseSecret("second"));
      await until(
        async () => (await deployment())?.metadata.generation === generation + 1,
        async () => JSON.stringify((await deployment())?.metadata),
      );
      await bench.awaitCondition("zero", "Ready", "True", undefined, 30_000);
      await settled(run);
      expect((await deployment())?.metadata.generation).toBe(generation + 1);
      expect(bench.simulation().migrations).toHaveLength(migrations);
    });

    it("change nothing when another key changes, and when a certificate is renewed", async () => {
      const before = (await deployment())?.metadata.resourceVersion;
      const reconciles = run.reconciles.length;
      const secret = databaseSecret("second") as KubernetesObject & { data: Record<string, string> };
      await replace({
        ...secret,
        data: { ...secret.data, ...base64({ pgpass: "*\n" }) },
      } as KubernetesObject);
      await until(() => run.reconciles.length > reconciles, "a reconcile after the change");
      await replace(certificateSecret(2));
      await settled(run);
      expect((await deployment())?.metadata.resourceVersion).toBe(before);
      await bench.awaitCondition("zero", "Ready", "True");
    });

    it("are never written by the operator, and keep their owner, labels and annotations", async () => {
      expect(run.calls.filter((call) => / Secret /.test(call) && !call.startsWith("get "))).toEqual([]);
      for (const made of [databaseSecret("second"), certificateSecret(2)] as OwnedObject[]) {
        const live = await read(made.metadata.name);
        expect(live && identityOf(live)).toEqual(identityOf(made));
        expect(live?.metadata.managedFields?.map(({ manager }) => manager)).not.toContain(
          "catalyst-operator",
        );
      }
      expect(run.drifts).toEqual([]);
    });

    it("stay when the Sovereign is deleted", async () => {
      await bench.client().delete(SOVEREIGNS, { name: "zero" });
      await until(async () => (await bench.sovereign("zero")) === undefined, "the Sovereign is gone");
      for (const name of [DATABASE, CERTIFICATE])
        expect((await read(name))?.metadata.deletionTimestamp).toBeUndefined();
      expect(await read(DATABASE)).toBeDefined();
      expect(await read(CERTIFICATE)).toBeDefined();
    });
  });
}

interface Templated {
  spec: { template: { spec: { containers: [{ env: object[] }] } } };
}

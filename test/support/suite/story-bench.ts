import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import { type ApiConnection, createApiConnection } from "../../../src/playground/story/api-connection.ts";
import { type Cluster, createCluster } from "../../../src/playground/story/cluster.ts";
import type { ObjectReference } from "../../../src/playground/story/cluster-object.ts";
import {
  newStateDir,
  type PlaygroundProcess,
  removeStateDir,
  type SovereignEntry,
  startPlaygroundProcess,
} from "../process/playground.ts";

export const SOVEREIGN: ObjectReference = { kind: "Sovereign", name: "omantel" };
export const DEPLOYMENT: ObjectReference = {
  kind: "Deployment",
  name: "billing",
  namespace: "sovereign-omantel",
};

/** A playground that has run the story and keeps running. Its members are valid inside tests. */
export interface StoryBench {
  readonly stateDir: string;
  readonly playground: PlaygroundProcess;
  readonly sovereigns: readonly SovereignEntry[];
  readonly api: ApiConnection;
  readonly cluster: Cluster;
  omantel(): SovereignEntry;
  /** Address of the operator's Pod. */
  operatorAddress(): Promise<string>;
  /** Runs a query on omantel's database. */
  query<Row extends pg.QueryResultRow>(text: string): Promise<Row[]>;
  /** Waits until omantel is Ready. */
  waitUntilReady(): Promise<void>;
}

/** Starts a playground before the tests of a `describe` and removes it after them. */
export function useStoryBench(controlPlane: "embedded" | "real", args: string[] = []): StoryBench {
  const stateDir = newStateDir();
  let playground: PlaygroundProcess;
  let sovereigns: SovereignEntry[];
  let api: ApiConnection;
  let cluster: Cluster;

  beforeAll(async () => {
    playground = await startPlaygroundProcess(stateDir, ["--control-plane", controlPlane, ...args]);
    sovereigns = await playground.storyFinished();
    api = createApiConnection(playground.kubeconfig);
    cluster = createCluster(api, AbortSignal.timeout(240_000));
  }, 180_000);

  afterAll(async () => {
    if (playground?.child.exitCode === null) await playground.kill();
    removeStateDir(stateDir);
  });

  function omantel(): SovereignEntry {
    const entry = sovereigns.find(({ name }) => name === "omantel");
    if (entry === undefined) throw new Error("omantel is not among the Sovereigns");
    return entry;
  }

  return {
    stateDir,
    get playground() {
      return playground;
    },
    get sovereigns() {
      return sovereigns;
    },
    get api() {
      return api;
    },
    get cluster() {
      return cluster;
    },
    omantel,
    async operatorAddress() {
      const [pod] = (await cluster.list("Pod", "catalyst-system")) as unknown as {
        status: { podIP: string };
      }[];
      if (pod === undefined) throw new Error("the operator has no Pod");
      return pod.status.podIP;
    },
    async query<Row extends pg.QueryResultRow>(text: string) {
      const client = new pg.Client({ connectionString: omantel().databaseUrl });
      await client.connect();
      try {
        return (await client.query<Row>(text)).rows;
      } finally {
        await client.end();
      }
    },
    async waitUntilReady() {
      await cluster.waitForCondition(SOVEREIGN, "Ready", "True");
    },
  };
}

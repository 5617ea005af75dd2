import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Consumer, Producer } from "@platformatic/kafka";
import { findFreePort } from "../../src/playground/process/free-port.ts";

export interface TestBroker {
  /** `127.0.0.1:<port>`, the same after a restart. */
  address: string;
  start(): Promise<void>;
  /** Kills the process with SIGKILL. Acknowledged records stay on disk. */
  kill(): Promise<void>;
  /** Stops the process with SIGSTOP: it accepts connections and sends nothing until `resume`. */
  suspend(): void;
  resume(): void;
  close(): Promise<void>;
}

export interface TestRecord {
  partition: number;
  offset: bigint;
  key: string;
  value: string;
}

/** A Kafka broker (kfake, from `KUBEBUILDER_ASSETS`) with these topics, three partitions each. */
export async function startBroker(topics: string[]): Promise<TestBroker> {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-kafka-"));
  const port = await findFreePort();
  let child: ChildProcess | undefined;
  const kill = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    running.kill("SIGKILL");
    await once(running, "close");
  };
  const broker: TestBroker = {
    address: `127.0.0.1:${port}`,
    async start() {
      const program = join(process.env.KUBEBUILDER_ASSETS ?? "", "kfake");
      const started = spawn(program, ["-port", String(port), "-data", folder, ...topics], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      child = started;
      await Promise.race([
        once(started.stdout, "data"),
        once(started, "close").then(() => Promise.reject(new Error("kfake did not start"))),
      ]);
    },
    kill,
    suspend: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await broker.start();
  return broker;
}

/** Reads all records of the topic, each partition in its order. */
export async function readTopic(address: string, topic: string): Promise<TestRecord[]> {
  const consumer = new Consumer({
    clientId: "test",
    groupId: `test-${process.pid}-${Date.now()}`,
    bootstrapBrokers: [address],
    autocommit: false,
  });
  try {
    const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic) ?? [];
    let missing = ends.filter((end) => end > 0n).length;
    const records: TestRecord[] = [];
    if (missing === 0) return records;
    const stream = await consumer.consume({
      topics: [topic],
      mode: "manual",
      offsets: ends.map((_, partition) => ({ topic, partition, offset: 0n })),
      maxWaitTime: 100,
    });
    for await (const { partition, offset, key, value } of stream) {
      records.push({ partition, offset, key: String(key), value: String(value) });
      if (offset + 1n === ends[partition]) missing -= 1;
      if (missing === 0) break;
    }
    return records;
  } finally {
    await consumer.close(true);
  }
}

export async function writeTopic(
  address: string,
  topic: string,
  messages: { key?: string; value: string | null }[],
): Promise<void> {
  const producer = new Producer({ clientId: "test", bootstrapBrokers: [address] });
  try {
    await producer.send({
      acks: -1,
      messages: messages.map(({ key, value }) => ({
        topic,
        ...(key === undefined ? {} : { key: Buffer.from(key) }),
        ...(value === null ? {} : { value: Buffer.from(value) }),
      })),
    });
  } finally {
    await producer.close();
  }
}

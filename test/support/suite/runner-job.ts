import { describe, expect, it } from "vitest";
import { JOBS } from "../../../src/kube/resource.ts";
import { image, type RunnerBench } from "../process/runner.ts";
import { eventually } from "../wait.ts";
import { condition, createObjectAccess, job, settle } from "./runner-object.ts";

export function describeJobs(bench: () => RunnerBench): void {
  const { get, patch } = createObjectAccess(bench);

  describe("its Jobs", () => {
    it("writes no status of a Job while nothing changes", async () => {
      await bench().client.create(JOBS, job("pulling", "example.org/none@sha256:00"));
      await eventually(async () => expect((await get(JOBS, "pulling"))?.status).toMatchObject({ active: 1 }));
      await settle();
      expect(await bench().writesTo(JOBS, "pulling", 2_500)).toBe(0);
    });

    it("runs as many Pods of a Job as spec.completions", async () => {
      await bench().client.create(JOBS, job("many", image("done"), { completions: 3, parallelism: 2 }));
      await eventually(async () => {
        const live = await get(JOBS, "many");
        expect(condition(live, "Complete")).toMatchObject({ status: "True" });
        expect(live?.status).toMatchObject({ succeeded: 3 });
      });
      expect(await bench().podsOf("job-name=many")).toHaveLength(3);
    });

    it("fails a Job after backoffLimit retries", async () => {
      await bench().client.create(JOBS, job("hopeless", image("fail"), { backoffLimit: 1 }));
      await eventually(async () =>
        expect(condition(await get(JOBS, "hopeless"), "Failed")).toMatchObject({
          reason: "BackoffLimitExceeded",
        }),
      );
      expect((await get(JOBS, "hopeless"))?.status.failed).toBe(2);
    });

    it("starts no Pod of a suspended Job, and stops running Pods when the Job is suspended", async () => {
      await bench().client.create(JOBS, job("held", image("idle"), { suspend: true }));
      await eventually(async () =>
        expect(condition(await get(JOBS, "held"), "Suspended")).toMatchObject({ status: "True" }),
      );
      expect(await bench().podsOf("job-name=held")).toEqual([]);
      await patch(JOBS, "held", { spec: { suspend: false } });
      await eventually(async () => expect(await bench().podsOf("job-name=held")).toHaveLength(1));
      await patch(JOBS, "held", { spec: { suspend: true } });
      await eventually(async () => expect(await bench().podsOf("job-name=held")).toEqual([]));
    });

    it("ends a Job and its Pod after activeDeadlineSeconds", async () => {
      await bench().client.create(JOBS, job("late", image("idle"), { activeDeadlineSeconds: 1 }));
      await eventually(async () => {
        expect(condition(await get(JOBS, "late"), "Failed")).toMatchObject({ reason: "DeadlineExceeded" });
        expect(await bench().podsOf("job-name=late")).toEqual([]);
      });
    });

    it("deletes a finished Job after ttlSecondsAfterFinished", async () => {
      await bench().client.create(JOBS, job("brief", image("done"), { ttlSecondsAfterFinished: 1 }));
      await eventually(async () => {
        expect(await get(JOBS, "brief")).toBeUndefined();
        expect(await bench().podsOf("job-name=brief")).toEqual([]);
      });
    });

    it("fails a Job that uses an unsupported field, and names the field", async () => {
      await bench().client.create(
        JOBS,
        job("indexed", image("done"), { completions: 2, completionMode: "Indexed" }),
      );
      await eventually(async () => {
        expect(condition(await get(JOBS, "indexed"), "Failed")).toMatchObject({ reason: "Unsupported" });
        expect(await bench().eventsAbout("indexed")).toMatchObject([
          {
            reason: "Unsupported",
            message: "the playground's runner does not support spec.completionMode Indexed",
          },
        ]);
      });
    });
  });
}

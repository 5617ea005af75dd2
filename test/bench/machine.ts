import { cpus, release, totalmem } from "node:os";

/** The machine of a measurement. Figures can be compared only with it. */
export interface Machine {
  cores: number;
  processor: string;
  memoryGib: number;
  system: string;
  node: string;
}

export function describeMachine(): Machine {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
  };
}

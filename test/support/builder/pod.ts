import type { PodObject } from "../../../src/controllers/sovereign/observed.ts";
import { IMAGE } from "./catalyst-object.ts";

interface PodOptions {
  image?: string;
  isReady?: boolean;
  podIP?: string;
  component?: string;
  namespace?: string;
}

/** A Pod of Sovereign omantel. The last digit of its name is that of its address. */
export function billingPod(name: string, options: PodOptions = {}): PodObject {
  const { image = IMAGE, isReady = true, podIP = `10.0.0.${name.slice(-1)}` } = options;
  const { component = "billing", namespace = "sovereign-omantel" } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, uid: `uid-${name}`, namespace, labels: { "app.kubernetes.io/name": component } },
    spec: { containers: [{ name: "billing", image }] },
    status: { podIP, conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] },
  };
}

import { kubeconfigText } from "../../playground/apiserver/index.ts";
import type { Playground, PlaygroundCluster } from "../../playground/playground.ts";
import { createApiConnection } from "../../playground/story/api-connection.ts";
import { createCluster } from "../../playground/story/cluster.ts";
import type { SpokePlane, StoryPlane } from "../../playground/story/context.ts";

/** Connections to the control planes of a playground. */
export interface Planes {
  hub: StoryPlane;
  spoke: SpokePlane | undefined;
  close(): Promise<void>;
}

export function connectPlanes(playground: Playground, signal: AbortSignal): Planes {
  const closers: (() => Promise<void>)[] = [];
  function connect({ kubeconfigPath, runner }: PlaygroundCluster): StoryPlane {
    const connection = createApiConnection(kubeconfigPath);
    closers.push(connection.close);
    return {
      cluster: createCluster(connection, signal),
      async operatorOrigin() {
        const address = runner.podAddress("catalyst-system", "catalyst-operator");
        if (address === undefined) throw new Error("no Pod of the operator runs");
        return `http://${address}:8080`;
      },
      billingUrl: (namespace) => runner.proxy.urlOf(namespace, { "app.kubernetes.io/name": "billing" }, 8085),
    };
  }
  const { spoke } = playground;
  return {
    hub: connect(playground),
    spoke: spoke && {
      ...connect(spoke),
      kubeconfigFor(name, token) {
        const { url, caPem } = spoke.controlPlane;
        return kubeconfigText({ name: "spoke", url, caPem }, { name, token });
      },
    },
    async close() {
      for (const close of closers) await close();
    },
  };
}

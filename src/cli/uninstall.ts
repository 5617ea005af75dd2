import { uninstall } from "../operator/uninstall.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, parseCommandLine } from "./flag.ts";
import { CLUSTER_ENVIRONMENT, CLUSTER_FLAGS, connectToCluster } from "./kubeconfig.ts";

const FLAGS = [
  { name: "dry-run", description: "print what the command would remove, and change nothing" },
  ...CLUSTER_FLAGS,
] as const satisfies readonly Flag[];

export const command: Command = {
  summary: "remove what blocks a cluster without the operator; databases and workloads stay",
  description: [
    "Removes what makes a cluster refuse requests, or makes deletions wait, when the operator is gone: the operator's Deployment, its webhook configuration, its native policies, and its finalizers on Sovereigns and Franchises. Databases, workloads, namespaces, Secrets, CRDs and their objects stay. Run helm uninstall before or after it for the rest. Where the CRDs are being deleted, the command waits up to 30 seconds for them, and then says which objects and finalizers hold them up. Acts with your own rights, which must be the platform's.",
  ],
  flags: FLAGS,
  environment: CLUSTER_ENVIRONMENT,
  examples: [["catalyst uninstall --dry-run", "show what would be removed"]],
  exitCodes: "0 done, 1 something could not be removed, 2 wrong usage",
  async run({ args, env, signal, stdout }) {
    const { values } = parseCommandLine(FLAGS, args);
    const client = connectToCluster(env, "catalyst-uninstall", values);
    try {
      for await (const done of uninstall(client, { isDryRun: values["dry-run"], signal }))
        stdout.write(`${values["dry-run"] ? "would remove" : "removed"} ${done}\n`);
      return EXIT.done;
    } finally {
      await client.close();
    }
  },
};

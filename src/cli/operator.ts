import { runOperator } from "../operator/operator.ts";
import { createLogger } from "../platform/log.ts";
import { type Command, EXIT } from "./command.ts";
import { OPERATOR_FLAGS, readOperatorSettings } from "./operator-flag.ts";

export const command: Command = {
  summary: "run the controllers, the admission webhook and the embedded voucher API",
  description: [
    "Runs the controllers, the admission webhook and the embedded voucher API in one process. With several replicas, all answer requests, and one of them, the leader, runs the controllers. It connects to the cluster in the file that KUBECONFIG names, or else to the cluster of its own Pod.",
    "Each flag overrides the variable that is named with it.",
  ],
  flags: OPERATOR_FLAGS,
  examples: [
    [
      "catalyst operator --enforcement Audit",
      "report what admission would refuse, before it refuses anything",
    ],
  ],
  exitCodes: "0 stopped by a signal, 1 failed, 2 wrong usage",
  endsItself: true,
  async run({ args, env, signal }) {
    const settings = readOperatorSettings(args, env);
    const logger = createLogger("operator", settings.logLevel);
    await runOperator({ settings, logger, now: () => new Date(), signal });
    return EXIT.done;
  },
};

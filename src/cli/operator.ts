import { runOperator } from "../operator/operator.ts";
import { createLogger } from "../platform/log.ts";
import { type Command, EXIT } from "./command.ts";
import { operatorHelp, readOperatorSettings } from "./operator-flag.ts";

export const command: Command = {
  summary: "run the controllers, the admission webhook and the embedded voucher API",
  help: operatorHelp(),
  async run({ args, env, signal }) {
    const settings = readOperatorSettings(args, env);
    const logger = createLogger("operator", settings.logLevel);
    await runOperator({ settings, logger, now: () => new Date(), signal });
    return EXIT.done;
  },
};

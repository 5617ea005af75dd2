import { isUnauthorized, isUnreachable, KubeError } from "../kube/error.ts";
import { errorMessage } from "../platform/errors.ts";

const ANOTHER = "choose another with --kubeconfig or --context";

/** The text of an error for a person. API server errors that concern the whole cluster get a remedy. */
export function failureText(error: unknown): string {
  if (!(error instanceof KubeError)) return errorMessage(error);
  const { serverMessage } = error;
  if (isUnreachable(error))
    return `the cluster does not answer (${serverMessage}): check the address and the network, or ${ANOTHER}`;
  if (isUnauthorized(error))
    return `the cluster does not accept the credentials of the kubeconfig (${serverMessage}): renew them, or ${ANOTHER}`;
  return serverMessage;
}

import { PLAYGROUND_REGISTRY } from "../../../src/playground/image.ts";

/** The machine beside the node, with the registry and the databases. The tests run there. */
export const OUTSIDE = "172.30.0.1";
export const NODE = "172.30.0.2";
export const API_SERVER = `https://${NODE}:6443`;
export const POD_RANGE = "10.244.0.0/24";
export const SERVICE_RANGE = "10.96.0.0/16";
export const KUBERNETES_SERVICE = "10.96.0.1";
export const DNS_SERVICE = "10.96.0.10";
/** The registry that the manifests name. containerd and the operator read it at `REGISTRY_ORIGIN`. */
export const REGISTRY_HOST = PLAYGROUND_REGISTRY;
export const REGISTRY_ADDRESS = `${OUTSIDE}:5000`;
export const REGISTRY_ORIGIN = `http://${REGISTRY_ADDRESS}`;

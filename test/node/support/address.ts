import { PLAYGROUND_REGISTRY } from "../../../src/playground/image.ts";

/** The machine beside the node, where the registry, the databases, the issuer and the tests run. */
export const OUTSIDE = "172.30.0.1";
export const NODE = "172.30.0.2";
/** A second address of that machine, where the Ingress controller answers. */
export const INGRESS = "172.30.0.3";
export const API_SERVER = `https://${NODE}:6443`;
export const POD_RANGE = "10.244.0.0/24";
export const SERVICE_RANGE = "10.96.0.0/16";
export const KUBERNETES_SERVICE = "10.96.0.1";
export const DNS_SERVICE = "10.96.0.10";
export const REGISTRY_HOST = PLAYGROUND_REGISTRY;
export const LOGIN_HOST = "login.catalyst.example";
export const DATABASE_HOST = "postgres.catalyst.example";
export const VOUCHER_HOST = "vouchers.catalyst.example";
/** The host names of docs/quickstart.md, as a hosts file for the tests, the node and its Pods. */
export const HOSTS = `${OUTSIDE} ${REGISTRY_HOST} ${LOGIN_HOST} ${DATABASE_HOST}\n${INGRESS} ${VOUCHER_HOST}\n`;
/** Images of the node itself. node.sh imports them, so that the node starts without a registry. */
export const PAUSE_IMAGE = "localhost/pause:1";
export const DNS_IMAGE = "localhost/coredns:1";

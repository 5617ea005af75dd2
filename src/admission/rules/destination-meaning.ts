/**
 * The meaning of a field: a host or a URL that the controller calls, an endpoint to which it sends traffic, a URL of whose
 * answer the author sees little, an exporter that probes for Prometheus, a namespace, a service or another object of Traefik,
 * a plugin of the proxy, a socket or another file of the controller.
 */
export type Meaning =
  | ("host" | "endpoint" | "url" | "target" | "prober" | "namespace")
  | ("service" | "reference" | "plugin")
  | ("socket" | "file");

/** A field that sets a destination of a controller. */
export interface DestinationField {
  path: string;
  value: string;
  meaning: Meaning;
}

/** The meaning of a field that sets a destination. */
export type Meaning =
  /** A name in the mesh or in DNS. */
  | "host"
  /** A host or an address to which the controller sends traffic. */
  | "endpoint"
  /** A URL that the controller calls. */
  | "url"
  /** A URL that the controller calls, where the author sees little of the answer. */
  | "target"
  /** An exporter that probes for Prometheus. */
  | "prober"
  | "namespace"
  /** A service of Traefik. */
  | "service"
  /** Another object of Traefik. */
  | "reference"
  /** A plugin of the proxy. */
  | "plugin"
  /** A socket of the controller. */
  | "socket"
  /** Another file of the controller. */
  | "file";

/** A field that sets a destination of a controller. */
export interface DestinationField {
  path: string;
  value: string;
  meaning: Meaning;
}

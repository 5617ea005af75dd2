/** The Sovereign's appearance on pages. Everything is optional: without branding the page shows the Sovereign's name. */
export interface Branding {
  displayName?: string;
  /** `https://…` or `data:image/…`. */
  logoUrl?: string;
  /** `#rrggbb`. */
  colour?: string;
  /** The host of the Sovereign's own front end, with its sign-up. */
  hostname?: string;
  /** `https://…` or `mailto:…`: where customers find help. */
  helpUrl?: string;
}

const COLOUR = /^#[0-9a-f]{6}$/i;
const HOSTNAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i;
const HELP = /^(https:\/\/|mailto:)[^\s"'<>]+$/;
const LOGO = /^(https:\/\/|data:image\/(png|jpeg|svg\+xml|webp|gif);base64,)[^\s"'<>]+$/;

/** Parses `spec.branding` of a Sovereign. Members of a wrong shape are left out, so that the page still works. */
export function parseBranding(json: unknown): Branding {
  if (json === null || json === undefined) return {};
  if (typeof json !== "object" || Array.isArray(json)) throw new Error("branding must be a JSON object");
  const members = json as Record<string, unknown>;
  const text = (name: string, pattern?: RegExp) => {
    const value = members[name];
    return typeof value === "string" && value !== "" && (pattern === undefined || pattern.test(value))
      ? value
      : undefined;
  };
  const displayName = text("displayName");
  const logoUrl = [text("logo", LOGO), text("logoUrl", LOGO)].find((url) => url !== undefined && isSafe(url));
  const colour = text("colour", COLOUR) ?? text("color", COLOUR);
  const hostname = text("hostname", HOSTNAME);
  const helpUrl = text("helpUrl", HELP);
  return {
    ...(displayName === undefined ? {} : { displayName }),
    ...(logoUrl === undefined ? {} : { logoUrl }),
    ...(colour === undefined ? {} : { colour }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(helpUrl === undefined ? {} : { helpUrl }),
  };
}

/** The logo's host becomes part of a Content-Security-Policy. A URL's host may contain `;` and `,`, which would end the directive. */
function isSafe(logo: string): boolean {
  return logo.startsWith("data:") || HOSTNAME.test(URL.parse(logo)?.hostname ?? "");
}

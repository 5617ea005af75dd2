/** Red, green and blue, each 0 to 255. */
type Rgb = readonly [number, number, number];

/** WCAG 2.2 AA: the contrast of text, and of the parts that identify a control. */
const TEXT_CONTRAST = 4.5;
const CONTROL_CONTRAST = 3;

/** The surfaces of base.css. Readable colours are computed against them. */
export const SURFACES = {
  light: { page: "#f4f6f9", card: "#ffffff" },
  dark: { page: "#0e1116", card: "#171b23" },
} as const;

/** The Sovereign's colour, adapted to one kind of surface. */
export interface BrandPalette {
  /** Fills: buttons, the ticket, bars of the chart. */
  fill: string;
  /** Text on a fill. */
  onFill: string;
  /** Text in the brand's colour on a surface. */
  text: string;
}

/**
 * Readable colours for any `#rrggbb`. Each is shifted towards black or white, and no further than WCAG requires. Text in
 * black or in white is readable on every colour (at worst 4.58:1), so a fill needs no shift for its text.
 */
export function brandPalette(colour: string, scheme: keyof typeof SURFACES): BrandPalette {
  const { page, card } = SURFACES[scheme];
  const shift = (ratio: number) =>
    hexOf(shiftUntil(rgbOf(colour), scheme === "light" ? 0 : 255, ratio, [rgbOf(page), rgbOf(card)]));
  const fill = shift(CONTROL_CONTRAST);
  const onFill = contrast(fill, "#ffffff") >= contrast(fill, "#000000") ? "#ffffff" : "#000000";
  return { fill, onFill, text: shift(TEXT_CONTRAST) };
}

/** WCAG's contrast ratio of two `#rrggbb`, 1 to 21. */
export function contrast(one: string, other: string): number {
  return contrastOf(rgbOf(one), rgbOf(other));
}

function shiftUntil(colour: Rgb, target: 0 | 255, ratio: number, surfaces: readonly Rgb[]): Rgb {
  const STEPS = 64;
  for (let step = 0; step < STEPS; step += 1) {
    const part = step / STEPS;
    const mix = (channel: number) => Math.round(channel + (target - channel) * part);
    const [red, green, blue] = colour;
    const mixed: Rgb = [mix(red), mix(green), mix(blue)];
    if (surfaces.every((surface) => contrastOf(mixed, surface) >= ratio)) return mixed;
  }
  return [target, target, target];
}

function contrastOf(one: Rgb, other: Rgb): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance([red, green, blue]: Rgb): number {
  const linear = (channel: number) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function rgbOf(colour: string): Rgb {
  const channel = (at: number) => Number.parseInt(colour.slice(at, at + 2), 16);
  return [channel(1), channel(3), channel(5)];
}

const hexOf = (rgb: Rgb) => `#${rgb.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;

import { createRequire } from "node:module";
import { type Canvas, createCanvas, GlobalFonts, type SKRSContext2D } from "@napi-rs/canvas";

/** What pictures outside the page are drawn with. They are light: they end in documents and chats. */
export const ink = {
  paper: "#ffffff",
  text: "#1c2733",
  muted: "#5b6875",
  rule: "#d5dbe1",
  ocean: "#eef3f7",
  land: "#dfe3e0",
  coast: "#9aa5ab",
  border: "#c3cac8",
  graticule: "#d3dde5",
  accent: "#1f5fbf",
  knee: "#b4500a",
} as const;

export type Context = SKRSContext2D;

const family = "Sferic Report";
let isRegistered = false;

/** CSS font of a size in pixels: Inter from its package (SIL Open Font Licence), so that text shows on a machine without fonts. */
export function font(sizePixels: number, weight: 400 | 600 = 400): string {
  return `${weight} ${sizePixels}px "${family}"`;
}

/** A canvas filled with paper. */
export function blankPicture(width: number, height: number): { canvas: Canvas; context: Context } {
  registerFonts();
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = ink.paper;
  context.fillRect(0, 0, width, height);
  return { canvas, context };
}

function registerFonts(): void {
  if (isRegistered) return;
  const { resolve } = createRequire(import.meta.url);
  for (const weight of [400, 600]) {
    const path = resolve(`@fontsource/inter/files/inter-latin-${weight}-normal.woff2`);
    if (GlobalFonts.registerFromPath(path, family) === null) throw new Error(`The font ${path} cannot be read.`);
  }
  isRegistered = true;
}

/** How and where a text is written. */
export interface TextStyle {
  readonly size: number;
  readonly weight?: 400 | 600;
  readonly colour?: string;
  readonly align?: "left" | "center" | "right";
  readonly baseline?: "top" | "middle" | "alphabetic";
  /** Longer text is cut with an ellipsis. */
  readonly widthMax?: number;
  /** Colour of a rim around the letters that keeps them readable on a busy ground. */
  readonly halo?: string;
}

/** Writes one line of text. */
export function write(context: Context, text: string, x: number, y: number, style: TextStyle): void {
  context.font = font(style.size, style.weight);
  context.textAlign = style.align ?? "left";
  context.textBaseline = style.baseline ?? "alphabetic";
  const shown = style.widthMax === undefined ? text : shortened(context, text, style.widthMax);
  if (style.halo !== undefined) {
    context.strokeStyle = style.halo;
    context.lineWidth = style.size / 4;
    context.lineJoin = "round";
    context.strokeText(shown, x, y);
  }
  context.fillStyle = style.colour ?? ink.text;
  context.fillText(shown, x, y);
}

function shortened(context: Context, text: string, widthMax: number): string {
  if (context.measureText(text).width <= widthMax) return text;
  let length = text.length - 1;
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > widthMax) length -= 1;
  return `${text.slice(0, length).trimEnd()}…`;
}

import { nextTurn } from '../next-turn';

/** Pixels converted before the event loop gets its turn: about 2 ms. */
const SLICE = 250_000;

/** a · b / 255, rounded, for bytes. */
function multiply(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/** Pillow's conversion, which knows no inks: RGB = (1 − K) · (1 − CMY), in bytes. */
export async function cmykToRgb(data: Uint8Array, channels: number): Promise<Uint8Array> {
  const pixels = data.length / channels;
  const rgb = new Uint8Array(3 * pixels);
  for (let first = 0; first < pixels; first += SLICE) {
    if (first > 0) await nextTurn();
    for (let i = first; i < Math.min(first + SLICE, pixels); i++) {
      const light = 255 - (data[i * channels + 3] ?? 0);
      for (let c = 0; c < 3; c++) {
        rgb[3 * i + c] = light - multiply(data[i * channels + c] ?? 0, light);
      }
    }
  }
  return rgb;
}

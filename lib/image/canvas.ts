import type { RawPixels } from '../native';

/** Position of a frame on a larger image, and the colour around the frame. */
export interface Canvas {
  width: number;
  height: number;
  left: number;
  top: number;
  /** Red, green and blue, one byte each. */
  background: Uint8Array;
}

/** Returns the whole image [height, width, 3] with a grey or RGB frame at its position. */
export function onCanvas(frame: RawPixels, canvas: Canvas): RawPixels {
  const { width, height, left, top, background } = canvas;
  if (frame.width === width && frame.height === height) return frame;
  const data = new Uint8Array(3 * width * height);
  Buffer.from(data.buffer).fill(background);
  for (let y = 0; y < frame.height; y++) {
    const row = frame.data
      .subarray(y * frame.width * frame.channels)
      .subarray(0, frame.width * frame.channels);
    const at = 3 * ((top + y) * width + left);
    if (frame.channels === 3) data.set(row, at);
    else for (const [x, grey] of row.entries()) data.fill(grey, at + 3 * x, at + 3 * x + 3);
  }
  return { data, width, height, channels: 3 };
}

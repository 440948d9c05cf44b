import type { Framing } from '../image/preprocessing';
import type { Box } from './paint';

interface Size {
  width: number;
  height: number;
}

/** Where along an edge the centre crop lies: first pixel and length, in pixels of the picture. */
function centre(edge: number, shortest: number, { size, ...how }: Framing): [number, number] {
  const { resize = size, squash = false, crop = 'floor' } = how;
  const resized = squash ? resize : Math.floor((resize * edge) / shortest);
  const scale = edge / resized;
  const half = Math.floor((resized - size) / 2);
  const upwards = crop === 'half-even' && (resized - size) % 2 === 1 && half % 2 === 1;
  return [(upwards ? half + 1 : half) * scale, size * scale];
}

/**
 * What a model sees of a picture that is resized and cropped at the centre, on a canvas that the
 * whole picture fills.
 */
export function cropOf(picture: Size, framing: Framing, canvas: Size): Box {
  const shortest = Math.min(picture.width, picture.height);
  const [left, width] = centre(picture.width, shortest, framing);
  const [top, height] = centre(picture.height, shortest, framing);
  const across = canvas.width / picture.width;
  const down = canvas.height / picture.height;
  return {
    left: left * across,
    top: top * down,
    width: width * across,
    height: height * down,
  };
}

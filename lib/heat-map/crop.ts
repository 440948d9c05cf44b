import type { Framing } from '../image/preprocessing';
import type { Box } from './paint';

interface Size {
  width: number;
  height: number;
}

/** Returns the position and length of the centre crop along an edge, in pixels of the image. */
function centre(edge: number, shortest: number, { size, ...how }: Framing): [number, number] {
  const { resize = size, squash = false, crop = 'floor' } = how;
  const resized = squash ? resize : Math.floor((resize * edge) / shortest);
  const scale = edge / resized;
  const half = Math.floor((resized - size) / 2);
  const upwards = crop === 'half-even' && (resized - size) % 2 === 1 && half % 2 === 1;
  return [(upwards ? half + 1 : half) * scale, size * scale];
}

/**
 * Returns the region of an image that the model sees after resizing and centre cropping, in pixels
 * of a canvas that the whole image fills.
 */
export function cropOf(image: Size, framing: Framing, canvas: Size): Box {
  const shortest = Math.min(image.width, image.height);
  const [left, width] = centre(image.width, shortest, framing);
  const [top, height] = centre(image.height, shortest, framing);
  const across = canvas.width / image.width;
  const down = canvas.height / image.height;
  return {
    left: left * across,
    top: top * down,
    width: width * across,
    height: height * down,
  };
}

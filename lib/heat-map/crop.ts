import type { Box } from './paint';

interface Size {
  width: number;
  height: number;
}

/** Where along an edge the centre crop lies: first pixel and length, in pixels of the picture. */
function centre(edge: number, shortest: number, size: number): [number, number] {
  const resized = Math.floor((size * edge) / shortest);
  const scale = edge / resized;
  return [Math.floor((resized - size) / 2) * scale, size * scale];
}

/**
 * What a model sees of a picture that is resized to its shortest edge and cropped at the centre, on a
 * canvas that the whole picture fills.
 *
 * @param size Edge of what the model sees, in pixels.
 */
export function cropOf(picture: Size, size: number, canvas: Size): Box {
  const shortest = Math.min(picture.width, picture.height);
  const [left, width] = centre(picture.width, shortest, size);
  const [top, height] = centre(picture.height, shortest, size);
  const across = canvas.width / picture.width;
  const down = canvas.height / picture.height;
  return {
    left: left * across,
    top: top * down,
    width: width * across,
    height: height * down,
  };
}

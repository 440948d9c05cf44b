import { closeSync, openSync } from 'node:fs';
import { byteLength, piecesOf, type TensorData, writeAll } from './tensor-data.mts';

/**
 * Returns the 8-byte length and the JSON, padded with spaces so that the data is aligned to 8
 * bytes.
 */
export function safetensorsHeader(header: string): Buffer {
  const json = Buffer.from(header);
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded));
  json.copy(bytes, 8);
  return bytes;
}

/** Writes a safetensors file, with one piece of data in memory at a time. */
export function writeSafetensors(
  path: string,
  tensors: TensorData[],
  metadata: Record<string, string> = { format: 'pt' },
): void {
  const header: Record<string, unknown> = Object.create(null);
  header.__metadata__ = metadata;
  let end = 0;
  for (const tensor of tensors) {
    const begin = end;
    end += byteLength(tensor);
    header[tensor.name] = {
      dtype: tensor.dtype.toUpperCase(),
      shape: tensor.shape,
      data_offsets: [begin, end],
    };
  }
  const fd = openSync(path, 'w');
  try {
    writeAll(fd, safetensorsHeader(JSON.stringify(header)));
    for (const tensor of tensors) writeData(fd, tensor);
  } finally {
    closeSync(fd);
  }
}

function writeData(fd: number, tensor: TensorData): void {
  let written = 0;
  for (const piece of piecesOf(tensor.data)) {
    writeAll(fd, piece);
    written += piece.length;
  }
  if (written !== byteLength(tensor)) {
    throw new RangeError(
      `${tensor.name}: expected ${byteLength(tensor)} bytes, received ${written}`,
    );
  }
}

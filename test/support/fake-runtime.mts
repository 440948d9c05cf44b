// Makes a fake libtorch of a few bytes, as a folder and as wheels that pip accepts.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  LIBTORCH_PINS,
  LIBTORCH_VERSION,
  type RuntimePins,
  type WheelPin,
} from '#lib/runtime/pins';
import { ZipWriter } from './zip-writer.mts';

export const PLATFORM = 'manylinux_2_28_x86_64';
export const LIBRARIES = [
  'nvidia/cu13/lib/libcudart.so.13',
  'nvidia/cu13/lib/libcupti.so.13',
  'torch/lib/libgomp.so.1',
  'torch/lib/libc10.so',
  'torch/lib/libtorch_cpu.so',
];

/** Size of each library in a wheel; larger than a single read or write. */
export const LIBRARY_BYTES = 1 << 17;

/** Writes files by their path in `root`, and creates the folders. */
export function writeFiles(root: string, files: Record<string, string | Uint8Array>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

/** Writes a Python site-packages folder with torch. Importing this torch fails. */
export function writeLibtorch(root: string, version: string = LIBTORCH_VERSION): string {
  writeFiles(root, Object.fromEntries(LIBRARIES.map((name) => [name, name])));
  writeFiles(root, {
    'torch/__init__.py': 'raise SystemExit("torch was imported")\n',
    'torch/version.py': `__all__ = ['__version__']\n__version__ = '${version}'\n`,
    [`torch-${version}.dist-info/METADATA`]: metadata('torch', version),
  });
  return root;
}

/** Writes wheels to `folder`, with more members than needed, and returns their pins. */
export function writeWheels(folder: string, version: string = LIBTORCH_VERSION): RuntimePins {
  mkdirSync(folder, { recursive: true });
  const cuda = LIBRARIES.slice(0, 2);
  const torch = LIBRARIES.slice(2);
  return {
    ...LIBTORCH_PINS,
    version,
    wheels: [
      writeWheel(folder, 'fake-cuda', version, cuda, { 'nvidia/cu13/lib/libother.so': 'x' }),
      {
        ...writeWheel(folder, 'fake-torch', version, torch, {
          'torch/include/ATen/ATen.h': '// tensors\n',
          'torch/include/torch/csrc/api/include/torch/all.h': '// all\n',
          'torch/lib/libtorch_cuda.so': 'x',
          'torch/version.py': `__version__ = '${version}'\n`,
        }),
        headers: 'torch/include',
      },
    ],
  };
}

function writeWheel(
  folder: string,
  name: string,
  version: string,
  libraries: string[],
  others: Record<string, string>,
): WheelPin {
  const base = `${name.replace('-', '_')}-${version}`;
  const path = join(folder, `${base}-py3-none-${PLATFORM}.whl`);
  const zip = new ZipWriter(path);
  const add = (member: string, data: Uint8Array) => zip.add(member, data, data.length);
  for (const library of libraries) {
    add(library, Buffer.alloc(LIBRARY_BYTES, `${library} ${version}`));
  }
  for (const [member, text] of Object.entries(others)) add(member, Buffer.from(text));
  add(`${base}.dist-info/METADATA`, Buffer.from(metadata(name, version)));
  const tags = `Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-${PLATFORM}\n`;
  add(`${base}.dist-info/WHEEL`, Buffer.from(tags));
  add(`${base}.dist-info/RECORD`, Buffer.from(''));
  zip.close();
  return {
    package: name,
    version,
    platform: PLATFORM,
    sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
    bytes: statSync(path).size,
    files: libraries,
    unpackedBytes: LIBRARY_BYTES * libraries.length,
  };
}

function metadata(name: string, version: string): string {
  return `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`;
}

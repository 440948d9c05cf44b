// Every kind of engine that this version can build and run. A new one is a file beside this one and
// an entry in the list below.
import type { NativeEngine } from '../native';
import type { Part } from '../parts';
import type { Engine } from './engine';
import { tensorrt } from './tensorrt';
import { tensorrtRtx } from './tensorrt-rtx';
import { torchscript } from './torchscript';

const ENGINES = [torchscript, tensorrt, tensorrtRtx] as const satisfies readonly Engine[];

export type EngineKind = (typeof ENGINES)[number]['kind'];

/** In the order in which messages and help list them. */
export const ENGINE_KINDS: readonly EngineKind[] = ENGINES.map(({ kind }) => kind);

/** What `convert` builds unless told otherwise. */
export const DEFAULT_ENGINE = torchscript.kind;

export function engineOf(kind: EngineKind): Engine {
  return ENGINES.find((engine) => engine.kind === kind) as Engine;
}

/** The kinds of which something is true. */
export function kindsThat(holds: (engine: Engine) => boolean): EngineKind[] {
  return ENGINES.filter(holds).map(({ kind }) => kind);
}

/** The kind that a file made elsewhere is of, by its name. */
export function kindOfFile(path: string): EngineKind {
  const ends = ({ importedSuffix }: Engine) =>
    importedSuffix !== undefined && path.endsWith(importedSuffix);
  return kindsThat(ends)[0] ?? DEFAULT_ENGINE;
}

/** Libraries that engines come in, beside the addon. */
export const PLUGINS: readonly string[] = ENGINES.flatMap(({ plugin }: Engine) => plugin ?? []);

/** Where the engine file of a part lies in a bundle; Triton's layout. */
export function engineFile(part: Part, kind: EngineKind): string {
  return `${part}/1/${engineOf(kind).fileName}`;
}

/**
 * Opens an engine and the vendor's libraries it needs, on a native thread.
 *
 * @param runtime Folder of the vendor's libraries; without it they are looked for, see lib/runtime.
 * @param device What it is to run on; GPUs need more libraries.
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING, ERR_ENGINE_INCOMPATIBLE
 */
export async function openEngine(
  kind: EngineKind,
  runtime?: string,
  device = 'cpu',
): Promise<NativeEngine> {
  return engineOf(kind).open(runtime === undefined ? {} : { runtime }, device);
}

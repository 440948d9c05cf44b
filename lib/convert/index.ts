import { nonEmptyString } from '../arguments';
import { withCallerStack } from '../async/caller';
import type { Manifest } from '../bundle/manifest';
import type { TextManifest } from '../bundle/text-manifest';
import { type BundleContent, writeBundle } from '../bundle/write';
import type { Contents } from '../checkpoint/contents';
import type { StateDictChoice } from '../checkpoint/table';
import { engineFile, engineOf, openEngine } from '../engines';
import { loadNative } from '../native';
import { packageVersion } from '../package-version';
import { PARTS, type Part } from '../parts';
import type { Precision } from '../precision';
import { MAX_TOKENS } from '../text/tokenize';
import { type Built, buildPart, textPrecision } from './build';
import { type ConvertOptions, type ResolvedConvertOptions, resolveConvertOptions } from './options';
import { planOf } from './plan';

function textManifest(
  { adapter, llm }: Contents,
  precision: Precision,
  built: Partial<Record<Part, Built>>,
): TextManifest {
  const common = (part: 'adapter' | 'llm', layout: string) => {
    return { precision, parameters: built[part]?.parameters ?? 0, layout };
  };
  return {
    ...(adapter && { adapter: { model: adapter.config, ...common('adapter', adapter.layout) } }),
    ...(llm && {
      llm: { model: { ...llm.config, maxTokens: MAX_TOKENS }, ...common('llm', llm.layout) },
    }),
  };
}

/** Returns nothing for a file whose weights are not under a key. */
function describedChoice({
  key,
  others,
}: StateDictChoice): Partial<NonNullable<Manifest['source']>> {
  if (key === '') return {};
  return { stateDict: key, ...(others.length > 0 && { otherStateDicts: others }) };
}

/**
 * Builds the engines in `folder`, a bundle that is not complete yet. Returns the fields of its
 * manifest.
 */
async function buildInto(
  folder: string,
  checkpoint: string,
  options: ResolvedConvertOptions,
): Promise<BundleContent> {
  const { portable, signal, onProgress, engine: kind } = options;
  onProgress({ stage: 'read', fraction: 0 });
  const plan = await planOf(checkpoint, options);
  const { table, contents } = plan;
  const engine = await openEngine(kind, options.runtime);

  const present = PARTS.filter((part) => contents[part] !== undefined);
  const built: Partial<Record<Part, Built>> = {};
  for (const [i, part] of present.entries()) {
    signal?.throwIfAborted();
    onProgress({ stage: 'build', part, fraction: 0.05 + (0.65 * i) / present.length });
    const report = await buildPart(part, engine, plan, folder, options);
    if (report !== undefined) built[part] = report;
  }
  signal?.throwIfAborted();
  onProgress({ stage: 'write', fraction: 0.7 });
  const { vision, adapter, llm } = contents;
  const precision = vision ? options.precision : textPrecision(options.precision);
  const [first] = present.flatMap((part) => built[part] ?? []);
  return {
    ...(vision && { model: vision.config, preprocessing: vision.preprocessing }),
    ...((adapter || llm) && {
      text: textManifest(contents, textPrecision(options.precision), built),
    }),
    engine: {
      kind,
      flavour: portable ? 'portable' : 'native',
      version: engine.version,
      operators: portable ? 0 : engineOf(kind).operators,
    },
    precision,
    batch: { max: options.maxBatch },
    computeCapabilities: first?.computeCapabilities ?? [],
    parts: Object.fromEntries(present.map((part) => [part, engineFile(part, kind)])),
    builtBy: { llm2clip: packageVersion(), platform: `${process.platform}-${process.arch}` },
    source: {
      layout: (vision ?? adapter ?? llm)?.layout ?? '',
      format: table.format,
      ...describedChoice(table.stateDict),
      ...(vision && { preprocessing: vision.preprocessingSource }),
    },
    parameters: present.reduce((sum, part) => sum + (built[part]?.parameters ?? 0), 0),
    ...(built.vision?.quantisation && { quantisation: built.vision.quantisation }),
  };
}

/**
 * Makes an engine bundle from a checkpoint (safetensors, .pt or .bin; a file or its folder). The
 * bundle holds the checkpoint's vision tower, its text adapter, or both, and with `llm` also the
 * language model that reads the texts. Conversion needs no Python, no ONNX and no GPU. The bundle
 * appears only when it is complete.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG); `signal.reason`
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_CHECKPOINT_*, ERR_BUNDLE_EXISTS, ERR_RUNTIME_MISSING,
 *   ERR_PARITY, ERR_OUT_OF_MEMORY, ERR_IO
 * @example
 * await convert('LLM2CLIP-EVA02-L-14-336.pt', { out: 'eva02.bundle', precision: 'bf16' });
 * await convert('LLM2CLIP-EVA02-L-14-336.pt', { out: 'both.bundle', llm: 'Llama-3-8B-CC-Finetuned' });
 * await convert('LLM2CLIP-EVA02-L-14-336.pt', { out: 'rtx.bundle', engine: 'tensorrt-rtx' });
 * await convert('LLM2CLIP-EVA02-L-14-336.pt', { out: 'int8.bundle', precision: 'int8', calibrate: 'photos' });
 */
export async function convert(checkpoint: string, options: ConvertOptions): Promise<Manifest> {
  const path = nonEmptyString(checkpoint, 'checkpoint');
  const resolved = resolveConvertOptions(options);
  const { out, force, signal } = resolved;
  const exchange = loadNative().exchangeDirectories;
  const manifest = await withCallerStack(
    writeBundle(out, { force, exchange, signal }, (folder) => buildInto(folder, path, resolved)),
  );
  resolved.onProgress({ stage: 'write', fraction: 1 });
  return manifest;
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VisionConfig } from '#lib/checkpoint/vision-config';
import { writeSafetensors } from '../../test/support/safetensors-writer.mts';
import type { TensorData } from '../../test/support/tensor-data.mts';
import { writeTorch } from '../../test/support/torch-writer.mts';
import { type FileTensor, type LayoutName, tensorsOf } from './layouts.mts';
import { PRESETS, type Preset } from './presets.mts';
import { normalBytes, streamOf, type WeightDtype } from './random.mts';
import { scaleOf } from './scales.mts';
import { adapterConfig, adapterTensors } from './text-towers.mts';

export interface SyntheticOptions {
  preset: Preset;
  layout: LayoutName;
  format: 'safetensors' | 'torch';
  dtype: WeightDtype;
  /** Weights with the same seed are the same in every layout. */
  seed: number;
  /**
   * Also writes what official files contain beside the tower: a text adapter, a scale and RoPE
   * tables.
   */
  textKeys?: boolean;
}

function* bytesOf(tensor: FileTensor, seed: number, dtype: WeightDtype): Iterable<Uint8Array> {
  for (const { canonical, shape } of tensor.parts) {
    const count = shape.reduce((product, size) => product * size, 1);
    yield* normalBytes(streamOf(seed, canonical), count, scaleOf(canonical, shape), dtype);
  }
}

/** The width of the features for the random text adapter, the same as in llama-tiny. */
const FEATURE_WIDTH = 64;

/** The tensors of EVA02's published .pt beside the vision tower, with a small adapter. */
function besideTheTower({ layers, embeddingDim }: VisionConfig): FileTensor[] {
  const adapter = adapterTensors(adapterConfig(FEATURE_WIDTH, embeddingDim, true));
  const tables = Array.from({ length: layers }, (_, i) => `visual.blocks.${i}.attn.rope.freqs_cos`);
  const tensors: [string, number[]][] = [
    ['logit_scale', []],
    ['visual.rope.freqs_cos', [4, 64]],
    ...tables.map((name): [string, number[]] => [name, [4, 64]]),
  ];
  return [
    ...tensors.map(([name, shape]) => ({ name, shape, parts: [{ canonical: name, shape }] })),
    ...adapter.map(({ name, canonical, shape }) => {
      return { name: `text.text_adaptor.${name}`, shape, parts: [{ canonical, shape }] };
    }),
  ];
}

/** config.json as transformers writes it for OpenAI's CLIP. */
function huggingFaceConfig(config: VisionConfig): object {
  return {
    model_type: 'clip_vision_model',
    architectures: ['CLIPVisionModelWithProjection'],
    hidden_size: config.width,
    intermediate_size: config.hidden,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    image_size: config.imageSize,
    patch_size: config.patchSize,
    hidden_act: config.activation,
    layer_norm_eps: config.layerNormEps,
    projection_dim: config.embeddingDim,
  };
}

/**
 * Writes a checkpoint with random weights to `folder` and returns the path of its file. At any
 * size, this takes seconds and little memory.
 */
export async function writeSyntheticCheckpoint(
  folder: string,
  { preset, layout, format, dtype, seed, textKeys = false }: SyntheticOptions,
): Promise<string> {
  const config = PRESETS[preset];
  const described = [...tensorsOf(config, layout), ...(textKeys ? besideTheTower(config) : [])];
  const tensors = described.map((tensor): TensorData => {
    const { name, shape } = tensor;
    return { name, shape, dtype, data: bytesOf(tensor, seed, dtype) };
  });
  await mkdir(folder, { recursive: true });
  const path = join(folder, format === 'torch' ? 'model.pt' : 'model.safetensors');
  if (format === 'torch') writeTorch(path, tensors, layout === 'official' ? {} : { wrap: 'model' });
  else writeSafetensors(path, tensors);
  if (layout === 'hf-openai') {
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify(huggingFaceConfig(config), null, 2),
    );
  }
  return path;
}

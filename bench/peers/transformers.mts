// The peer transformers.js, which runs ONNX files in Node with onnxruntime-node:
// node --import tsx bench/peers/transformers.mts
import { createRequire } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import type { OpenOptions } from './protocol.mts';
import { type PeerEngine, serve } from './serve.mts';

type Model = (inputs: Record<string, unknown>) => Promise<Record<string, { data: Float32Array }>>;
interface Transformers {
  env: { version: string; allowRemoteModels: boolean };
  PreTrainedModel: { from_pretrained(folder: string, options: object): Promise<Model> };
  Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => unknown;
}

/** int8 needs a file from quantize-onnx.py. */
const PRECISIONS = ['fp32', 'int8'];

async function open({ model, threads, precision, device }: OpenOptions): Promise<PeerEngine> {
  const require = createRequire(new URL('./package.json', import.meta.url));
  const { env, PreTrainedModel, Tensor } = require('@huggingface/transformers') as Transformers;
  const runtime = require('onnxruntime-node/package.json') as { version: string };
  if (!PRECISIONS.includes(precision)) {
    throw new Error(`expected one of ${PRECISIONS.join(', ')}, received ${precision}`);
  }
  env.allowRemoteModels = false;
  const file = resolve(model);
  const network = await PreTrainedModel.from_pretrained(dirname(file), {
    // `custom` is not an architecture of the library, so it passes the file's inputs unchanged.
    config: { model_type: 'custom' },
    subfolder: '',
    model_file_name: basename(file, '.onnx'),
    dtype: 'fp32', // means a file name without a suffix
    device,
    session_options: { intraOpNumThreads: threads },
  });
  return {
    precision,
    versions: { '@huggingface/transformers': env.version, 'onnxruntime-node': runtime.version },
    run: async (pixels, shape) => {
      const { embedding } = await network({ pixel_values: new Tensor('float32', pixels, shape) });
      return (embedding as { data: Float32Array }).data;
    },
  };
}

await serve(open);

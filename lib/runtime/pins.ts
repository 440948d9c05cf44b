/** A wheel of the runtime: its name, size and digest, and the members to unpack. */
export interface WheelPin {
  package: string;
  version: string;
  /** Platform tag for pip's `--platform`. */
  platform: string;
  sha256: string;
  /** Size of the wheel. */
  bytes: number;
  /**
   * Members needed at run time. They are unpacked side by side, so that libtorch's RPATH finds
   * them.
   */
  files: string[];
  /** Total size of `files` after unpacking. */
  unpackedBytes: number;
  /** Folder of headers, needed only to build the engine's plugin. */
  headers?: string;
}

/** The vendors' libraries that `runtime install` can fetch. */
export const RUNTIMES = ['libtorch', 'tensorrt-rtx'] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

export interface RuntimePins {
  runtime: RuntimeName;
  /** Version of the library, which is the one that the plugin is built against. */
  version: string;
  /** Command that installs it. */
  command: string;
  wheels: WheelPin[];
}

/** The libtorch version that the TorchScript engine is compiled against. */
export const LIBTORCH_VERSION = '2.11.0';

/**
 * libtorch for the CPU. It comes from the CUDA build, so it needs CUDA's run time even without a
 * GPU.
 */
export const LIBTORCH_PINS: RuntimePins = {
  runtime: 'libtorch',
  version: LIBTORCH_VERSION,
  command: 'npx llm2clip runtime install',
  wheels: [
    {
      package: 'nvidia-cuda-runtime',
      version: '13.0.96',
      platform: 'manylinux2014_x86_64',
      sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
      bytes: 2_243_632,
      files: ['nvidia/cu13/lib/libcudart.so.13'],
      unpackedBytes: 704_288,
    },
    {
      package: 'nvidia-cuda-cupti',
      version: '13.0.85',
      platform: 'manylinux_2_25_x86_64',
      sha256: '4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8',
      bytes: 10_715_597,
      files: ['nvidia/cu13/lib/libcupti.so.13'],
      unpackedBytes: 4_152_208,
    },
    {
      package: 'torch',
      version: LIBTORCH_VERSION,
      platform: 'manylinux_2_28_x86_64',
      sha256: '0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756',
      bytes: 530_712_279,
      files: ['torch/lib/libgomp.so.1', 'torch/lib/libc10.so', 'torch/lib/libtorch_cpu.so'],
      unpackedBytes: 452_962_107,
      headers: 'torch/include',
    },
  ],
};

/** The TensorRT for RTX version that its engine is compiled against. */
export const TENSORRT_RTX_VERSION = '1.7.1.116';

export const TENSORRT_RTX_PINS: RuntimePins = {
  runtime: 'tensorrt-rtx',
  version: TENSORRT_RTX_VERSION,
  command: 'npx llm2clip runtime install --tensorrt-rtx',
  wheels: [
    {
      package: 'tensorrt-rtx-cu13-libs',
      version: TENSORRT_RTX_VERSION,
      platform: 'manylinux_2_28_x86_64',
      sha256: 'e3fd45fed001240d63304e77a2d4006319b839994237cb294b6e7ad72acaabcd',
      bytes: 95_153_708,
      files: ['tensorrt_rtx_libs/libtensorrt_rtx.so.1'],
      unpackedBytes: 234_013_248,
    },
  ],
};

import { LIBTORCH_PINS, type RuntimePins, type WheelPin } from './pins';

/**
 * The libraries that libtorch_cuda.so is linked with, in the versions that torch's wheel requires.
 */
const CUDA_WHEELS: WheelPin[] = [
  {
    package: 'nvidia-cublas',
    version: '13.1.0.3',
    platform: 'manylinux_2_27_x86_64',
    sha256: 'ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171',
    bytes: 423_133_236,
    files: ['nvidia/cu13/lib/libcublas.so.13', 'nvidia/cu13/lib/libcublasLt.so.13'],
    unpackedBytes: 595_773_576,
  },
  {
    package: 'nvidia-cuda-nvrtc',
    version: '13.0.88',
    platform: 'manylinux_2_12_x86_64',
    sha256: 'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575',
    bytes: 90_215_200,
    files: ['nvidia/cu13/lib/libnvrtc.so.13', 'nvidia/cu13/lib/libnvrtc-builtins.so.13.0'],
    unpackedBytes: 113_718_680,
  },
  {
    package: 'nvidia-cudnn-cu13',
    version: '9.19.0.56',
    platform: 'manylinux_2_27_x86_64',
    sha256: 'd20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf',
    bytes: 366_066_321,
    files: [
      'nvidia/cudnn/lib/libcudnn.so.9',
      'nvidia/cudnn/lib/libcudnn_adv.so.9',
      'nvidia/cudnn/lib/libcudnn_cnn.so.9',
      'nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9',
      'nvidia/cudnn/lib/libcudnn_engines_runtime_compiled.so.9',
      'nvidia/cudnn/lib/libcudnn_graph.so.9',
      'nvidia/cudnn/lib/libcudnn_heuristic.so.9',
      'nvidia/cudnn/lib/libcudnn_ops.so.9',
    ],
    unpackedBytes: 493_410_224,
  },
  {
    package: 'nvidia-cufft',
    version: '12.0.0.61',
    platform: 'manylinux_2_17_x86_64',
    sha256: '6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3',
    bytes: 214_085_489,
    files: ['nvidia/cu13/lib/libcufft.so.12'],
    unpackedBytes: 286_542_352,
  },
  {
    package: 'nvidia-cufile',
    version: '1.15.1.6',
    platform: 'manylinux_2_17_x86_64',
    sha256: '08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44',
    bytes: 1_223_672,
    files: ['nvidia/cu13/lib/libcufile.so.0'],
    unpackedBytes: 3_170_800,
  },
  {
    package: 'nvidia-curand',
    version: '10.4.0.35',
    platform: 'manylinux_2_27_x86_64',
    sha256: '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc',
    bytes: 59_544_258,
    files: ['nvidia/cu13/lib/libcurand.so.10'],
    unpackedBytes: 132_698_328,
  },
  {
    package: 'nvidia-cusparse',
    version: '12.6.3.3',
    platform: 'manylinux_2_17_x86_64',
    sha256: '2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b',
    bytes: 145_942_937,
    files: ['nvidia/cu13/lib/libcusparse.so.12'],
    unpackedBytes: 162_565_256,
  },
  {
    package: 'nvidia-cusparselt-cu13',
    version: '0.8.0',
    platform: 'manylinux2014_x86_64',
    sha256: '25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd',
    bytes: 169_884_119,
    files: ['nvidia/cusparselt/lib/libcusparseLt.so.0'],
    unpackedBytes: 233_613_145,
  },
  {
    package: 'nvidia-nccl-cu13',
    version: '2.28.9',
    platform: 'manylinux_2_18_x86_64',
    sha256: 'e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42',
    bytes: 196_493_177,
    files: ['nvidia/nccl/lib/libnccl.so.2'],
    unpackedBytes: 217_995_896,
  },
  {
    package: 'nvidia-nvjitlink',
    version: '13.0.88',
    platform: 'manylinux_2_12_x86_64',
    sha256: '13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b',
    bytes: 40_713_933,
    files: ['nvidia/cu13/lib/libnvJitLink.so.13'],
    unpackedBytes: 98_806_736,
  },
  {
    package: 'nvidia-nvshmem-cu13',
    version: '3.4.5',
    platform: 'manylinux_2_17_x86_64',
    sha256: '290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80',
    bytes: 60_412_546,
    files: ['nvidia/nvshmem/lib/libnvshmem_host.so.3'],
    unpackedBytes: 41_241_312,
  },
];

/** Members of torch's wheel that only GPUs need. */
const CUDA_FILES = [
  'torch/lib/libc10_cuda.so',
  'torch/lib/libcaffe2_nvrtc.so',
  'torch/lib/libtorch_cuda.so',
  'torch/lib/libtorch_nvshmem.so',
];
const CUDA_FILES_BYTES = 460_803_068;

/** libtorch for GPUs, which also runs on the CPU: 2.3 GB of wheels, 3.3 GB unpacked. */
export const LIBTORCH_CUDA_PINS: RuntimePins = {
  ...LIBTORCH_PINS,
  command: `${LIBTORCH_PINS.command} --cuda`,
  wheels: [
    ...LIBTORCH_PINS.wheels.map((wheel) =>
      wheel.package === 'torch'
        ? {
            ...wheel,
            files: [...wheel.files, ...CUDA_FILES],
            unpackedBytes: wheel.unpackedBytes + CUDA_FILES_BYTES,
          }
        : wheel,
    ),
    ...CUDA_WHEELS,
  ],
};

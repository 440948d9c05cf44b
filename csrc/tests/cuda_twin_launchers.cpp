// The launchers of csrc/kernels/cuda on the host, block after block and thread after thread. With
// them, code that calls kernels runs on machines without a GPU.
#include "cuda_head_twin.h"
#include "cuda_twins.h"
#include "kernels/cuda/gate.h"
#include "kernels/cuda/gated_norm.h"
#include "kernels/cuda/layer_norm.h"
#include "kernels/cuda/norm_head.h"
#include "kernels/cuda/patches.h"
#include "kernels/cuda/preprocess.h"
#include "kernels/cuda/quick_gelu.h"
#include "kernels/cuda/rms_norm.h"
#include "kernels/cuda/rope.h"
#include "kernels/cuda/text_mean.h"
#include "kernels/cuda/text_rope.h"
#include "kernels/cuda/tokens.h"

namespace llm2clip {

template <typename X, typename T>
void layer_norm_cuda(const X* x, int64_t stride, const T* weight, const T* bias, T* out,
                     const CudaNormArguments& a, CudaStreamHandle) {
  testing::norm_rows(StoredRow<X>{x, stride}, weight, bias, out, a.rows, {a.width, a.width}, a.eps);
}

template <typename T>
void add_layer_norm_cuda(const float* x, const T* y, const T* weight, const T* bias, float* sum,
                         T* out, const CudaNormArguments& a, CudaStreamHandle) {
  testing::norm_rows(AddedRow<T>{x, y, sum, a.width}, weight, bias, out, a.rows, {a.width, a.width},
                     a.eps);
}

template <typename T>
void gated_norm_cuda(const T* gate_up, const T* weight, const T* bias, T* out,
                     const CudaGatedNormArguments& a, CudaStreamHandle) {
  testing::norm_rows(GatedRow<T>{gate_up, a.padded}, weight, bias, out, a.rows,
                     {a.hidden, a.padded}, a.eps);
}

template <typename T>
void norm_head_cuda(const CudaNormHead<T>& a, CudaStreamHandle) {
  testing::with_chunks(row_launch(a.width).chunks,
                       [&]<int kChunks>() { testing::norm_head<kChunks>(a); });
}

template <typename T>
void rope_cuda(const CudaRopeArguments<T>& a, CudaStreamHandle) {
  for (int64_t thread = 0; thread < rope_threads(a); ++thread) rope_at(a, rope_thread(a, thread));
}

template <typename T>
void patches_cuda(const float* pixels, T* out, const PatchGrid& grid, int64_t batch,
                  CudaStreamHandle) {
  for (int64_t thread = 0; thread < patch_threads(grid, batch); ++thread) {
    const PatchThread at = patch_thread(grid, thread);
    write_patch(grid, at, out, StoredPixel{pixels, at.image, grid.size});
  }
}

template <typename T>
void tokens_cuda(const CudaTokensArguments<T>& a, CudaStreamHandle) {
  for (int64_t thread = 0; thread < tokens_threads(a); ++thread) token_at(a, thread);
}

template <typename T>
void quick_gelu_cuda(const T* x, T* out, int64_t count, CudaStreamHandle) {
  for (int64_t i = 0; i < count; i += kChunk) {
    store_chunk(out + i, quick_gelu_chunk(load_chunk(x + i)));
  }
}

template <bool kRowsFirst, typename T>
void run_passes(const CudaPreprocessing& p, const PatchGrid& grid, T* out) {
  for (int64_t i = 0; i < p.between_bytes(); ++i) resample_first<kRowsFirst>(p, i);
  for (int64_t thread = 0; thread < patch_threads(grid, 1); ++thread) {
    write_patch(grid, patch_thread(grid, thread), out, ResampledPixel<kRowsFirst>{p});
  }
}

template <typename T>
void rms_norm_cuda(const float* x, const T* weight, T* out, const CudaNormArguments& a,
                   CudaStreamHandle) {
  testing::norm_rows<Centre::kNothing>(StoredRow<float>{x, a.width}, weight,
                                       static_cast<const T*>(nullptr), out, a.rows,
                                       {a.width, a.width}, a.eps);
}

template <typename T>
void add_rms_norm_cuda(const float* x, const T* y, const T* weight, float* sum, T* out,
                       const CudaNormArguments& a, CudaStreamHandle) {
  testing::norm_rows<Centre::kNothing>(AddedRow<T>{x, y, sum, a.width}, weight,
                                       static_cast<const T*>(nullptr), out, a.rows,
                                       {a.width, a.width}, a.eps);
}

template <typename T>
void gate_cuda(const CudaGateArguments<T>& a, CudaStreamHandle) {
  for (int64_t thread = 0; thread < gate_threads(a); ++thread) gate_at(a, thread);
}

template <typename T>
void text_rope_cuda(const CudaTextRopeArguments<T>& a, CudaStreamHandle) {
  for (int64_t thread = 0; thread < text_rope_threads(a); ++thread) text_rope_at(a, thread);
}

template <typename T>
void text_mean_cuda(const CudaTextMeanArguments<T>& a, CudaStreamHandle) {
  for (int64_t thread = 0; thread < text_mean_threads(a); ++thread) text_mean_at(a, thread);
}

template <typename T>
void preprocess_cuda(const CudaPreprocessing& p, const PatchGrid& grid, T* out, CudaStreamHandle) {
  (p.rows_first ? run_passes<true, T> : run_passes<false, T>)(p, grid, out);
}

template void layer_norm_cuda(const float*, int64_t, const F16*, const F16*, F16*,
                              const CudaNormArguments&, CudaStreamHandle);
template void layer_norm_cuda(const F16*, int64_t, const F16*, const F16*, F16*,
                              const CudaNormArguments&, CudaStreamHandle);
template void add_layer_norm_cuda(const float*, const F16*, const F16*, const F16*, float*, F16*,
                                  const CudaNormArguments&, CudaStreamHandle);
template void gated_norm_cuda(const F16*, const F16*, const F16*, F16*,
                              const CudaGatedNormArguments&, CudaStreamHandle);
template void norm_head_cuda(const CudaNormHead<F16>&, CudaStreamHandle);
template void rope_cuda(const CudaRopeArguments<F16>&, CudaStreamHandle);
template void patches_cuda(const float*, F16*, const PatchGrid&, int64_t, CudaStreamHandle);
template void tokens_cuda(const CudaTokensArguments<F16>&, CudaStreamHandle);
template void quick_gelu_cuda(const F16*, F16*, int64_t, CudaStreamHandle);

template void layer_norm_cuda(const float*, int64_t, const BF16*, const BF16*, BF16*,
                              const CudaNormArguments&, CudaStreamHandle);
template void layer_norm_cuda(const BF16*, int64_t, const BF16*, const BF16*, BF16*,
                              const CudaNormArguments&, CudaStreamHandle);
template void add_layer_norm_cuda(const float*, const BF16*, const BF16*, const BF16*, float*,
                                  BF16*, const CudaNormArguments&, CudaStreamHandle);
template void gated_norm_cuda(const BF16*, const BF16*, const BF16*, BF16*,
                              const CudaGatedNormArguments&, CudaStreamHandle);
template void norm_head_cuda(const CudaNormHead<BF16>&, CudaStreamHandle);
template void rope_cuda(const CudaRopeArguments<BF16>&, CudaStreamHandle);
template void patches_cuda(const float*, BF16*, const PatchGrid&, int64_t, CudaStreamHandle);
template void tokens_cuda(const CudaTokensArguments<BF16>&, CudaStreamHandle);
template void quick_gelu_cuda(const BF16*, BF16*, int64_t, CudaStreamHandle);

template void layer_norm_cuda(const float*, int64_t, const float*, const float*, float*,
                              const CudaNormArguments&, CudaStreamHandle);
template void add_layer_norm_cuda(const float*, const float*, const float*, const float*, float*,
                                  float*, const CudaNormArguments&, CudaStreamHandle);
template void gated_norm_cuda(const float*, const float*, const float*, float*,
                              const CudaGatedNormArguments&, CudaStreamHandle);
template void norm_head_cuda(const CudaNormHead<float>&, CudaStreamHandle);
template void rope_cuda(const CudaRopeArguments<float>&, CudaStreamHandle);
template void patches_cuda(const float*, float*, const PatchGrid&, int64_t, CudaStreamHandle);
template void tokens_cuda(const CudaTokensArguments<float>&, CudaStreamHandle);
template void quick_gelu_cuda(const float*, float*, int64_t, CudaStreamHandle);

template void rms_norm_cuda(const float*, const F16*, F16*, const CudaNormArguments&,
                            CudaStreamHandle);
template void add_rms_norm_cuda(const float*, const F16*, const F16*, float*, F16*,
                                const CudaNormArguments&, CudaStreamHandle);
template void gate_cuda(const CudaGateArguments<F16>&, CudaStreamHandle);
template void text_rope_cuda(const CudaTextRopeArguments<F16>&, CudaStreamHandle);
template void text_mean_cuda(const CudaTextMeanArguments<F16>&, CudaStreamHandle);

template void rms_norm_cuda(const float*, const BF16*, BF16*, const CudaNormArguments&,
                            CudaStreamHandle);
template void add_rms_norm_cuda(const float*, const BF16*, const BF16*, float*, BF16*,
                                const CudaNormArguments&, CudaStreamHandle);
template void gate_cuda(const CudaGateArguments<BF16>&, CudaStreamHandle);
template void text_rope_cuda(const CudaTextRopeArguments<BF16>&, CudaStreamHandle);
template void text_mean_cuda(const CudaTextMeanArguments<BF16>&, CudaStreamHandle);

template void rms_norm_cuda(const float*, const float*, float*, const CudaNormArguments&,
                            CudaStreamHandle);
template void add_rms_norm_cuda(const float*, const float*, const float*, float*, float*,
                                const CudaNormArguments&, CudaStreamHandle);
template void gate_cuda(const CudaGateArguments<float>&, CudaStreamHandle);
template void text_rope_cuda(const CudaTextRopeArguments<float>&, CudaStreamHandle);
template void text_mean_cuda(const CudaTextMeanArguments<float>&, CudaStreamHandle);

template void preprocess_cuda(const CudaPreprocessing&, const PatchGrid&, F16*, CudaStreamHandle);
template void preprocess_cuda(const CudaPreprocessing&, const PatchGrid&, BF16*, CudaStreamHandle);
template void preprocess_cuda(const CudaPreprocessing&, const PatchGrid&, float*, CudaStreamHandle);

}  // namespace llm2clip

// The GPU operators on the host. The launchers are those of csrc/tests/cuda_twin_launchers.cpp, and
// attention is libtorch's, as on a GPU.
#include <ATen/ATen.h>

#include "engine/torchscript/cuda/attention_cuda.h"
#include "engine/torchscript/cuda/element_type.h"
#include "engine/torchscript/cuda/operators_cuda.h"
#include "engine/torchscript/cuda/text_attention_cuda.h"

namespace llm2clip {

CudaStreamHandle current_stream(const at::Tensor&) { return nullptr; }

at::Tensor attend_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const auto wide = [](const at::Tensor& x) { return x.to(at::kFloat); };
  return at::scaled_dot_product_attention(wide(q), wide(k), wide(v))
      .transpose(1, 2)
      .flatten(2)
      .to(q.scalar_type());
}

// Computes one text after another. Shared key and value heads are repeated.
at::Tensor attend_texts_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             const at::Tensor& offsets, int64_t longest) {
  const auto batched = [&](const at::Tensor& x) {
    return x.repeat_interleave(q.size(1) / x.size(1), 1).transpose(0, 1).unsqueeze(0);
  };
  std::vector<at::Tensor> texts;
  const int32_t* begins = offsets.const_data_ptr<int32_t>();
  for (int64_t i = 0; i + 1 < offsets.numel(); ++i) {
    TORCH_CHECK(begins[i + 1] - begins[i] <= longest, "expected no text longer than ", longest);
    const auto text = [&](const at::Tensor& x) { return x.slice(0, begins[i], begins[i + 1]); };
    texts.push_back(attend_cuda(batched(text(q)), batched(text(k)), batched(text(v))).squeeze(0));
  }
  return at::cat(texts);
}

TORCH_LIBRARY_IMPL(llm2clip, CPU, library) {
  implement_operators(library);
  implement_text_operators(library);
}

}  // namespace llm2clip

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/pool_attention.h"

namespace llm2clip {

void pool_attention_plain(const float* query, const float* kv, float* out,
                          const PoolAttentionArguments& a, int64_t first, int64_t last) {
  for (int64_t i = first; i < last; ++i) {
    const int64_t offset = i % a.heads * a.dim;
    const float* q = query + offset;
    const float* k = kv + i / a.heads * a.tokens * a.row() + offset;
    const float* v = k + a.heads * a.dim;
    std::vector<double> weights(static_cast<size_t>(a.tokens), 0.0);
    for (int64_t t = 0; t < a.tokens; ++t) {
      for (int64_t d = 0; d < a.dim; ++d) {
        weights[t] += static_cast<double>(q[d]) * k[t * a.row() + d];
      }
      weights[t] /= std::sqrt(static_cast<double>(a.dim));
    }
    const double most = *std::ranges::max_element(weights);
    double sum = 0;
    for (double& weight : weights) sum += weight = std::exp(weight - most);
    for (int64_t d = 0; d < a.dim; ++d) {
      double mixed = 0;
      for (int64_t t = 0; t < a.tokens; ++t) mixed += weights[t] / sum * v[t * a.row() + d];
      out[i * a.dim + d] = static_cast<float>(mixed);
    }
  }
}

}  // namespace llm2clip

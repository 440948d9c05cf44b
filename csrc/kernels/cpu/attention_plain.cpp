#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/attention.h"

namespace llm2clip {
namespace {

std::vector<double> turned(const float* x, int64_t token, const AttentionArguments& a) {
  std::vector<double> result(x, x + a.dim);
  if (a.cos == nullptr) return result;
  const float* cos = a.cos + token * a.dim;
  const float* sin = a.sin + token * a.dim;
  for (int64_t i = 0; i < a.dim; i += 2) {
    result[i] = static_cast<double>(x[i]) * cos[i] - static_cast<double>(x[i + 1]) * sin[i];
    result[i + 1] =
        static_cast<double>(x[i + 1]) * cos[i + 1] + static_cast<double>(x[i]) * sin[i + 1];
  }
  return result;
}

void softmax(std::vector<double>& x) {
  const double most = *std::ranges::max_element(x);
  double sum = 0;
  for (double& value : x) sum += value = std::exp(value - most);
  for (double& value : x) value /= sum;
}

}  // namespace

void attention_plain(const float* qkv, float* out, const AttentionArguments& a, int64_t first,
                     int64_t last) {
  const int64_t width = a.heads * a.dim, row = a.row();
  for (int64_t head = first; head < last; ++head) {
    const int64_t batch = head / a.heads;
    const float* q = qkv + batch * a.tokens * row + head % a.heads * a.dim;
    const float* k = q + a.to_key(head % a.heads);
    const float* v = k + a.kv_heads * a.dim;
    float* to = out + batch * a.tokens * width + head % a.heads * a.dim;
    std::vector<double> weights(static_cast<size_t>(a.tokens));
    for (int64_t i = 0; i < a.tokens; ++i) {
      const auto query = turned(q + i * row, i, a);
      for (int64_t j = 0; j < a.tokens; ++j) {
        const auto key = turned(k + j * row, j, a);
        double sum = 0;
        for (int64_t d = 0; d < a.dim; ++d) sum += query[d] * key[d];
        weights[j] = sum / std::sqrt(static_cast<double>(a.dim));
      }
      softmax(weights);
      for (int64_t d = 0; d < a.dim; ++d) {
        double sum = 0;
        for (int64_t j = 0; j < a.tokens; ++j) sum += weights[j] * v[j * row + d];
        to[i * width + d] = static_cast<float>(sum);
      }
    }
  }
}

}  // namespace llm2clip

#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace llm2clip::testing {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

// The output of one attention head for one token, computed plainly. Its query attends to all keys.
inline Row plain_attention(const Row& q, const Rows& k, const Rows& v) {
  Row y(q.size());
  double total = 0;
  for (size_t token = 0; token < k.size(); ++token) {
    double score = 0;
    for (size_t i = 0; i < q.size(); ++i) score += q[i] * k[token][i];
    const double weight = std::exp(score / std::sqrt(static_cast<double>(q.size())));
    total += weight;
    for (size_t i = 0; i < y.size(); ++i) y[i] += weight * v[token][i];
  }
  for (double& number : y) number /= total;
  return y;
}

}  // namespace llm2clip::testing

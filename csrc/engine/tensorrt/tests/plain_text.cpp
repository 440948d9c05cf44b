#include "plain_text.h"

#include <cmath>

#include "tests/plain_attention.h"

namespace llm2clip::testing {
namespace {

double sum_of_squares(const Row& x) {
  double sum = 0;
  for (const double number : x) sum += number * number;
  return sum;
}

// Multiplies x [in] by rows [first, first + out) of a matrix [.., in] → [out].
Row product(const Numbers& numbers, const std::string& name, const Row& x, int64_t out,
            int64_t first = 0) {
  Row y(static_cast<size_t>(out));
  for (size_t row = 0; row < y.size(); ++row) {
    for (size_t i = 0; i < x.size(); ++i) {
      y[row] += x[i] * numbers(name, (static_cast<size_t>(first) + row) * x.size() + i);
    }
  }
  return y;
}

Row affine(const Numbers& numbers, const std::string& name, const Row& x, int64_t out) {
  Row y = product(numbers, name + ".weight", x, out);
  for (size_t i = 0; i < y.size(); ++i) y[i] += numbers(name + ".bias", i);
  return y;
}

Row rms_norm(const Numbers& numbers, const std::string& name, const Row& x, double eps) {
  const double mean = sum_of_squares(x) / static_cast<double>(x.size());
  Row y = x;
  for (size_t i = 0; i < x.size(); ++i) y[i] *= numbers(name, i) / std::sqrt(mean + eps);
  return y;
}

Row layer_norm(const Numbers& numbers, const std::string& name, const Row& x, double eps) {
  double mean = 0;
  for (const double number : x) mean += number / static_cast<double>(x.size());
  Row y = x;
  for (double& number : y) number -= mean;
  const double variance = sum_of_squares(y) / static_cast<double>(x.size());
  for (size_t i = 0; i < y.size(); ++i) {
    y[i] = y[i] / std::sqrt(variance + eps) * numbers(name + ".weight", i) +
           numbers(name + ".bias", i);
  }
  return y;
}

void add(Row& x, const Row& y) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

// Llama 3.1's frequencies, computed like transformers' _compute_llama3_parameters.
double frequency(const LlamaConfig& c, int64_t i) {
  const double plain =
      1 / std::pow(c.rope_theta, 2 * static_cast<double>(i) / static_cast<double>(c.head_dim));
  if (!c.rope_scaling) return plain;
  const auto& [factor, low, high, original] = *c.rope_scaling;
  const double length = 2 * M_PI / plain;
  if (length > original / low) return plain / factor;
  if (length < original / high) return plain;
  const double smooth = (original / length - low) / (high - low);
  return (1 - smooth) * plain / factor + smooth * plain;
}

// Rotates element i of a head together with element i + dim / 2.
void rotate(const LlamaConfig& c, Row& head, size_t place) {
  const size_t half = head.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    const double angle = static_cast<double>(place) * frequency(c, static_cast<int64_t>(i));
    const double a = head[i], b = head[i + half];
    head[i] = a * std::cos(angle) - b * std::sin(angle);
    head[i + half] = b * std::cos(angle) + a * std::sin(angle);
  }
}

// Returns the queries, keys or values of one head for all tokens.
Rows head_of(const LlamaConfig& c, const Numbers& numbers, const std::string& name, const Rows& x,
             int64_t head, bool turns) {
  Rows y;
  for (size_t place = 0; place < x.size(); ++place) {
    y.push_back(product(numbers, name + ".weight", x[place], c.head_dim, head * c.head_dim));
    if (turns) rotate(c, y.back(), place);
  }
  return y;
}

Rows attention(const LlamaConfig& c, const Numbers& numbers, const std::string& name,
               const Rows& x) {
  Rows heads(x.size());
  for (int64_t head = 0; head < c.heads; ++head) {
    const int64_t shared = head / (c.heads / c.kv_heads);
    const Rows q = head_of(c, numbers, name + ".q_proj", x, head, true);
    const Rows k = head_of(c, numbers, name + ".k_proj", x, shared, true);
    const Rows v = head_of(c, numbers, name + ".v_proj", x, shared, false);
    for (size_t token = 0; token < x.size(); ++token) {
      const Row y = plain_attention(q[token], k, v);
      heads[token].insert(heads[token].end(), y.begin(), y.end());
    }
  }
  for (Row& row : heads) row = product(numbers, name + ".o_proj.weight", row, c.width);
  return heads;
}

Row swiglu(const LlamaConfig& c, const Numbers& numbers, const std::string& name, const Row& x) {
  Row gate = product(numbers, name + ".gate_proj.weight", x, c.hidden);
  const Row up = product(numbers, name + ".up_proj.weight", x, c.hidden);
  for (size_t i = 0; i < gate.size(); ++i) gate[i] *= up[i] / (1 + std::exp(-gate[i]));
  return product(numbers, name + ".down_proj.weight", gate, c.width);
}

}  // namespace

std::vector<double> plain_llama(const LlamaConfig& c, const Numbers& numbers,
                                const std::vector<int64_t>& ids, int64_t pooled) {
  Rows x;
  for (const int64_t id : ids) {
    Row row;
    for (int64_t i = 0; i < c.width; ++i) {
      row.push_back(numbers("embed_tokens.weight", static_cast<size_t>(id * c.width + i)));
    }
    x.push_back(row);
  }
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string layer = "layers." + std::to_string(i);
    const auto normed = [&](const std::string& name) {
      Rows y;
      for (const Row& row : x) y.push_back(rms_norm(numbers, name, row, c.rms_norm_eps));
      return y;
    };
    const Rows attended =
        attention(c, numbers, layer + ".self_attn", normed(layer + ".input_layernorm.weight"));
    for (size_t token = 0; token < x.size(); ++token) add(x[token], attended[token]);
    const Rows h = normed(layer + ".post_attention_layernorm.weight");
    for (size_t token = 0; token < x.size(); ++token) {
      add(x[token], swiglu(c, numbers, layer + ".mlp", h[token]));
    }
  }
  Row mean(static_cast<size_t>(c.width));
  for (size_t token = x.size() - static_cast<size_t>(pooled); token < x.size(); ++token) {
    add(mean, rms_norm(numbers, "norm.weight", x[token], c.rms_norm_eps));
  }
  for (double& number : mean) number /= static_cast<double>(pooled);
  return mean;
}

std::vector<double> plain_adapter(const AdapterConfig& c, const Numbers& numbers,
                                  std::vector<double> x) {
  if (c.normalizes_input) {
    const double length = std::sqrt(sum_of_squares(x));
    for (double& number : x) number /= length;
  }
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    Row h = layer_norm(numbers, block + ".norm", x, c.layer_norm_eps);
    h = affine(numbers, block + ".fc1", h, c.hidden);
    for (double& number : h) number *= (1 + std::erf(number / std::sqrt(2.0))) / 2;
    add(x, affine(numbers, block + ".fc2", h, c.width));
  }
  return affine(numbers, "head", layer_norm(numbers, "norm", x, c.layer_norm_eps), c.embedding_dim);
}

}  // namespace llm2clip::testing

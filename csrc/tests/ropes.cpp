#include "tests/ropes.h"

#include <cmath>
#include <string>

#include "tests/plain_attention.h"

namespace llm2clip::testing {
namespace {

constexpr int64_t kPatch = 4, kGrid = kRopeSize / kPatch, kPatches = kGrid * kGrid;
constexpr int64_t kPatchNumbers = 3 * kPatch * kPatch;

Rope rope_of(int64_t tokens, int64_t dim, double base, double first) {
  Rope rope{tokens, {}, {}};
  for (int64_t token = 0; token < tokens; ++token) {
    for (int64_t i = 0; i < dim; ++i) {
      const double exponent = static_cast<double>(i / 2 * 2) / static_cast<double>(dim);
      const double angle = (static_cast<double>(token) + first) * std::pow(base, -exponent);
      rope.cos.push_back(static_cast<float>(std::cos(angle)));
      rope.sin.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  return rope;
}

struct Attention {
  std::string qkv;  // name of its weight
  GroupedHeads heads;
  Rope rope;

  int64_t rows() const { return (heads.count + 2 * heads.kv_count) * heads.dim; }
};

// `sharing`: the number of query heads per key head.
std::vector<Attention> attentions(const std::string& tower, int64_t tokens, int64_t sharing) {
  const GroupedHeads narrow{2, 2 / sharing, 8}, wide{1, 1, 16};
  const Rope a = rope_of(tokens, narrow.dim, 100, 0), b = rope_of(tokens, wide.dim, 7, 0.5),
             c = rope_of(tokens, narrow.dim, 10, 0.25);
  return {{tower + ".0.qkv", narrow, a},
          {tower + ".1.qkv", wide, b},
          {tower + ".2.qkv", narrow, c},
          {tower + ".3.qkv", narrow, a}};
}

std::vector<Attention> text_attentions() { return attentions("text", kRopeTokens, 2); }
std::vector<Attention> image_attentions() { return attentions("image", 1 + kPatches, 1); }

void add_shapes(Shapes& shapes, const std::vector<Attention>& layers) {
  for (const Attention& layer : layers) shapes[layer.qkv] = {layer.rows(), kRopeWidth};
}

Value project(Net& net, Weights& weights, const Attention& layer, Value x) {
  return net.linear(x, {weights.get(layer.qkv, {layer.rows(), kRopeWidth}), {}});
}

// Multiplies row `row` of a matrix [.., in] by x [in].
double product(const std::string& matrix, int64_t row, const Row& x) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    sum += x[i] * drawn(matrix, static_cast<size_t>(row) * x.size() + i);
  }
  return sum;
}

Row head_of(const Attention& layer, const Row& x, int64_t head) {
  Row y;
  for (int64_t i = 0; i < layer.heads.dim; ++i) {
    y.push_back(product(layer.qkv, head * layer.heads.dim + i, x));
  }
  return y;
}

Row turned(const Rope& rope, const Row& x, size_t token) {
  Row y(x.size());
  for (size_t i = 0; i < x.size(); i += 2) {
    const double c = rope.cos[token * x.size() + i], s = rope.sin[token * x.size() + i];
    y[i] = x[i] * c - x[i + 1] * s;
    y[i + 1] = x[i + 1] * c + x[i] * s;
  }
  return y;
}

// Adds the output of one attention to x.
void attend(const Attention& layer, Rows& x) {
  const auto& [count, kv_count, dim] = layer.heads;
  Rows sum = x;
  for (int64_t head = 0; head < count; ++head) {
    const int64_t shared = head / (count / kv_count);
    Rows q, k, v;
    for (size_t token = 0; token < x.size(); ++token) {
      q.push_back(turned(layer.rope, head_of(layer, x[token], head), token));
      k.push_back(turned(layer.rope, head_of(layer, x[token], count + shared), token));
      v.push_back(head_of(layer, x[token], count + kv_count + shared));
    }
    for (size_t token = 0; token < x.size(); ++token) {
      const Row y = plain_attention(q[token], k, v);
      for (size_t i = 0; i < y.size(); ++i) sum[token][static_cast<size_t>(head * dim) + i] += y[i];
    }
  }
  x = sum;
}

}  // namespace

Shapes text_rope_shapes() {
  Shapes shapes{{"table", {kRopeVocabulary, kRopeWidth}}};
  add_shapes(shapes, text_attentions());
  return shapes;
}

Value text_ropes(Net& net, Weights& weights) {
  Value x = net.embed(net.tokens(), weights.get("table", {kRopeVocabulary, kRopeWidth}));
  for (const Attention& layer : text_attentions()) {
    const Value qkv = project(net, weights, layer, x);
    x = net.add(x, net.text_attention(qkv, layer.heads, layer.rope));
  }
  return net.text_mean(x);
}

std::vector<double> plain_text_ropes(const std::vector<int32_t>& ids, int64_t pooled) {
  Rows x;
  for (const int32_t id : ids) {
    Row row;
    for (int64_t i = 0; i < kRopeWidth; ++i) {
      row.push_back(drawn("table", static_cast<size_t>(id * kRopeWidth + i)));
    }
    x.push_back(row);
  }
  for (const Attention& layer : text_attentions()) attend(layer, x);
  Row mean(static_cast<size_t>(kRopeWidth));
  for (size_t token = x.size() - static_cast<size_t>(pooled); token < x.size(); ++token) {
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += x[token][i] / static_cast<double>(pooled);
  }
  return mean;
}

Shapes image_rope_shapes() {
  Shapes shapes{{"patch", {kRopeWidth, 3, kPatch, kPatch}},
                {"class_token", {1, 1, kRopeWidth}},
                {"position", {1, 1 + kPatches, kRopeWidth}}};
  add_shapes(shapes, image_attentions());
  return shapes;
}

Value image_ropes(Net& net, Weights& weights) {
  const Conv patch{weights.get("patch", {kRopeWidth, 3, kPatch, kPatch}), {}, kPatch};
  Value x = net.patch_embed(net.pixels(), patch,
                            {weights.get("class_token", {1, 1, kRopeWidth}),
                             weights.get("position", {1, 1 + kPatches, kRopeWidth})});
  for (const Attention& layer : image_attentions()) {
    const Value qkv = project(net, weights, layer, x);
    x = net.add(x, net.attention(qkv, {layer.heads.count, layer.heads.dim}, &layer.rope));
  }
  return net.select_token(x, 0);
}

std::vector<double> plain_image_ropes(const std::vector<float>& pixels) {
  Rows x(1);
  for (int64_t i = 0; i < kRopeWidth; ++i)
    x[0].push_back(drawn("class_token", static_cast<size_t>(i)));
  for (int64_t patch = 0; patch < kPatches; ++patch) {
    Row numbers;
    for (int64_t i = 0; i < kPatchNumbers; ++i) {
      const int64_t channel = i / (kPatch * kPatch);
      const int64_t row = patch / kGrid * kPatch + i / kPatch % kPatch;
      const int64_t column = patch % kGrid * kPatch + i % kPatch;
      numbers.push_back(
          pixels[static_cast<size_t>((channel * kRopeSize + row) * kRopeSize + column)]);
    }
    Row token;
    for (int64_t i = 0; i < kRopeWidth; ++i) token.push_back(product("patch", i, numbers));
    x.push_back(token);
  }
  for (size_t token = 0; token < x.size(); ++token) {
    for (size_t i = 0; i < x[token].size(); ++i) {
      x[token][i] += drawn("position", token * static_cast<size_t>(kRopeWidth) + i);
    }
  }
  for (const Attention& layer : image_attentions()) attend(layer, x);
  return x[0];
}

}  // namespace llm2clip::testing

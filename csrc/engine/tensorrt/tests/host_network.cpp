#include "host_network.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

#include "engine/tensorrt/dims.h"

namespace llm2clip::testing {
namespace {

using namespace nvinfer1;
using tensorrt::shape_of;

Array empty(const Shape& shape) {
  return {shape, std::vector<double>(static_cast<size_t>(element_count(shape)))};
}

void for_each_place(const Shape& shape, const std::function<void(const Shape&)>& visit) {
  Shape place(shape.size(), 0);
  for (int64_t left = element_count(shape); left > 0; --left) {
    visit(place);
    for (size_t i = shape.size(); i-- > 0;) {
      if (++place[i] < shape[i]) break;
      place[i] = 0;
    }
  }
}

// Makes an array of this shape. `at` returns the number for each place.
Array filled(const Shape& shape, const std::function<double(const Shape&)>& at) {
  Array result{shape, {}};
  for_each_place(shape, [&](const Shape& place) { result.numbers.push_back(at(place)); });
  return result;
}

// Broadcasts: an extent of one matches every index.
size_t index_in(const Shape& shape, const Shape& place) {
  size_t index = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t here = shape[i] == 1 ? 0 : place[i];
    index = index * static_cast<size_t>(shape[i]) + static_cast<size_t>(here);
  }
  return index;
}

double at(const Array& x, const Shape& place) { return x.numbers.at(index_in(x.shape, place)); }

Shape common(const Shape& a, const Shape& b) {
  if (a.size() != b.size()) throw std::runtime_error("ranks " + to_string(a) + to_string(b));
  Shape shape;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1) throw std::runtime_error("extents");
    shape.push_back(std::max(a[i], b[i]));
  }
  return shape;
}

Array each(const Array& x, double (*function)(double)) {
  Array y = x;
  std::ranges::transform(y.numbers, y.numbers.begin(), function);
  return y;
}

double combine(ElementWiseOperation operation, double a, double b) {
  switch (operation) {
    case ElementWiseOperation::kSUM: return a + b;
    case ElementWiseOperation::kSUB: return a - b;
    case ElementWiseOperation::kPROD: return a * b;
    case ElementWiseOperation::kDIV: return a / b;
    case ElementWiseOperation::kMIN: return std::min(a, b);
    case ElementWiseOperation::kMAX: return std::max(a, b);
    case ElementWiseOperation::kEQUAL: return a == b ? 1 : 0;
    default: throw std::runtime_error("an elementwise operation");
  }
}

double (*function_of(ActivationType type))(double) {
  switch (type) {
    case ActivationType::kSIGMOID: return [](double x) { return 1 / (1 + std::exp(-x)); };
    case ActivationType::kGELU_ERF:
      return [](double x) { return x * (1 + std::erf(x / std::sqrt(2.0))) / 2; };
    default: throw std::runtime_error("an activation");
  }
}

double (*function_of(UnaryOperation operation))(double) {
  switch (operation) {
    case UnaryOperation::kSQRT: return [](double x) { return std::sqrt(x); };
    case UnaryOperation::kRECIP: return [](double x) { return 1 / x; };
    default: throw std::runtime_error("a unary operation");
  }
}

Array constant(const Weights& weights, const Shape& shape) {
  Array x = empty(shape);
  for (size_t i = 0; i < x.numbers.size(); ++i) {
    switch (weights.type) {
      case DataType::kFLOAT: x.numbers[i] = static_cast<const float*>(weights.values)[i]; break;
      case DataType::kINT64:
        x.numbers[i] = static_cast<double>(static_cast<const int64_t*>(weights.values)[i]);
        break;
      default: throw std::runtime_error("a constant's type");
    }
  }
  return x;
}

// x [.., N, in] · w [.., out, in]ᵀ
Array product(const Array& x, const Array& w) {
  Shape shape = x.shape, row = w.shape;
  shape.back() = w.shape[w.shape.size() - 2];
  const int64_t in = x.shape.back();
  return filled(shape, [&](const Shape& place) {
    Shape of_x = place, of_w = place;
    of_w[of_w.size() - 2] = place.back();
    double sum = 0;
    for (int64_t i = 0; i < in; ++i) {
      of_x.back() = of_w.back() = i;
      sum += at(x, of_x) * at(w, of_w);
    }
    return sum;
  });
}

Array sum(const Array& x, uint32_t axes) {
  Shape shape = x.shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if ((axes >> i & 1U) != 0) shape[i] = 1;
  }
  Array result = empty(shape);
  for_each_place(
      x.shape, [&](const Shape& place) { result.numbers[index_in(shape, place)] += at(x, place); });
  return result;
}

// For each element, the sum of those before it in its row.
Array sum_before(const Array& x) {
  return filled(x.shape, [&](Shape place) {
    double sum = 0;
    while (place.back()-- > 0) sum += at(x, place);
    return sum;
  });
}

// Normalises rows.
Array normalised(const Array& x, const Array& scale, const Array& bias, double eps) {
  const uint32_t last = 1U << (x.shape.size() - 1);
  const auto width = static_cast<double>(x.shape.back());
  const Array mean = sum(x, last);
  const Array centred =
      filled(x.shape, [&](const Shape& place) { return at(x, place) - at(mean, place) / width; });
  const Array squares = sum(each(centred, [](double a) { return a * a; }), last);
  return filled(x.shape, [&](const Shape& place) {
    const double unit = at(centred, place) / std::sqrt(at(squares, place) / width + eps);
    return unit * at(scale, place) + at(bias, place);
  });
}

Array gathered(const Array& table, const Array& indices) {
  return filled(batch_of(indices.shape[0], {indices.shape[1], table.shape[1]}),
                [&](const Shape& place) {
                  const double row = at(indices, {place[0], place[1]});
                  return at(table, {static_cast<int64_t>(row), place[2]});
                });
}

Shape as_shape(const Array& x) { return {x.numbers.begin(), x.numbers.end()}; }

}  // namespace

HostNetwork::HostNetwork(INetworkDefinition& network) : network_(network) {
  for (int32_t i = 0; i < network.getNbLayers(); ++i) {
    ILayer* const layer = network.getLayer(i);
    for (int32_t k = 0; k < layer->getNbOutputs(); ++k) makers_[layer->getOutput(k)] = layer;
  }
}

Array HostNetwork::run(std::map<std::string, Array> inputs) {
  values_.clear();
  for (int32_t i = 0; i < network_.getNbInputs(); ++i) {
    ITensor* const input = network_.getInput(i);
    values_[input] = std::move(inputs.at(input->getName()));
  }
  return value(network_.getOutput(0));
}

const Array& HostNetwork::value(ITensor* tensor) {
  const auto known = values_.find(tensor);
  if (known != values_.end()) return known->second;
  return values_[tensor] = compute(*makers_.at(tensor));
}

Array HostNetwork::compute(ILayer& layer) {
  const auto input = [&](int32_t i) -> const Array& { return value(layer.getInput(i)); };
  switch (layer.getType()) {
    case LayerType::kCONSTANT: {
      auto& one = static_cast<IConstantLayer&>(layer);
      return constant(one.getWeights(), shape_of(one.getDimensions()));
    }
    case LayerType::kCAST: return input(0);
    case LayerType::kELEMENTWISE: {
      const auto operation = static_cast<IElementWiseLayer&>(layer).getOperation();
      const Array &a = input(0), &b = input(1);
      return filled(common(a.shape, b.shape), [&](const Shape& place) {
        return combine(operation, at(a, place), at(b, place));
      });
    }
    case LayerType::kUNARY:
      return each(input(0), function_of(static_cast<IUnaryLayer&>(layer).getOperation()));
    case LayerType::kACTIVATION:
      return each(input(0), function_of(static_cast<IActivationLayer&>(layer).getActivationType()));
    case LayerType::kREDUCE:
      return sum(input(0), static_cast<IReduceLayer&>(layer).getReduceAxes());
    case LayerType::kCUMULATIVE: return sum_before(input(0));
    case LayerType::kNORMALIZATION:
      return normalised(input(0), input(1), input(2),
                        static_cast<INormalizationLayer&>(layer).getEpsilon());
    case LayerType::kGATHER: return gathered(input(0), input(1));
    case LayerType::kMATRIX_MULTIPLY: return product(input(0), input(1));
    case LayerType::kCONVOLUTION: return convolve(static_cast<IConvolutionLayer&>(layer));
    case LayerType::kCONCATENATION: return concatenate(static_cast<IConcatenationLayer&>(layer));
    case LayerType::kSHAPE: {
      const Shape& shape = input(0).shape;
      return {{static_cast<int64_t>(shape.size())}, {shape.begin(), shape.end()}};
    }
    case LayerType::kSLICE: return slice(static_cast<ISliceLayer&>(layer));
    case LayerType::kSHUFFLE: return shuffle(static_cast<IShuffleLayer&>(layer));
    case LayerType::kROTARY_EMBEDDING: return rotate(layer);
    case LayerType::kATTENTION_OUTPUT:
      return attend(*static_cast<IAttentionBoundaryLayer&>(layer).getAttention());
    default: throw std::runtime_error(std::string("a layer: ") + layer.getName());
  }
}

// Of kernels that lie side by side, without a bias: an embedding of patches.
Array HostNetwork::convolve(IConvolutionLayer& layer) {
  const Array& x = value(layer.getInput(0));
  const int64_t size = layer.getKernelSizeNd().d[0], channels = x.shape[1];
  if (layer.getStrideNd().d[0] != size || layer.getBiasWeights().count != 0) {
    throw std::runtime_error("a convolution that is no embedding of patches");
  }
  const Array kernel =
      constant(layer.getKernelWeights(), {layer.getNbOutputMaps(), channels, size, size});
  return filled(
      {x.shape[0], kernel.shape[0], x.shape[2] / size, x.shape[3] / size}, [&](const Shape& place) {
        double sum = 0;
        for_each_place({channels, size, size}, [&](const Shape& k) {
          const Shape from{place[0], k[0], place[2] * size + k[1], place[3] * size + k[2]};
          sum += at(x, from) * at(kernel, {place[1], k[0], k[1], k[2]});
        });
        return sum;
      });
}

Array HostNetwork::concatenate(IConcatenationLayer& layer) {
  const auto axis = static_cast<size_t>(layer.getAxis());
  const Array &first = value(layer.getInput(0)), &second = value(layer.getInput(1));
  Shape shape = first.shape;
  shape[axis] += second.shape[axis];
  return filled(shape, [&](Shape place) {
    if (place[axis] < first.shape[axis]) return at(first, place);
    place[axis] -= first.shape[axis];
    return at(second, place);
  });
}

Array HostNetwork::slice(ISliceLayer& layer) {
  const Array& x = value(layer.getInput(0));
  const Shape begin = shape_of(layer.getStart()), stride = shape_of(layer.getStride());
  return filled(as_shape(value(layer.getInput(2))), [&](Shape place) {
    for (size_t i = 0; i < place.size(); ++i) place[i] = begin[i] + place[i] * stride[i];
    return at(x, place);
  });
}

Array HostNetwork::shuffle(IShuffleLayer& layer) {
  const Array& x = value(layer.getInput(0));
  const size_t rank = x.shape.size();
  const Permutation order = layer.getFirstTranspose();
  Shape shape;
  for (size_t i = 0; i < rank; ++i) shape.push_back(x.shape[static_cast<size_t>(order.order[i])]);
  Array y = filled(shape, [&](const Shape& place) {
    Shape from(rank);
    for (size_t i = 0; i < rank; ++i) from[static_cast<size_t>(order.order[i])] = place[i];
    return at(x, from);
  });
  const Dims wanted = layer.getReshapeDimensions();
  if (wanted.nbDims <= 0) return y;
  Shape reshaped = shape_of(wanted);
  int64_t known = 1;
  for (size_t i = 0; i < reshaped.size(); ++i) {
    if (reshaped[i] == 0) reshaped[i] = shape[i];
    if (reshaped[i] > 0) known *= reshaped[i];
  }
  std::ranges::replace(reshaped, -1, element_count(shape) / known);
  y.shape = reshaped;
  return y;
}

// Rotates neighbouring elements by the same angle: that of the token's position id where there are
// position ids, else that of the token.
Array HostNetwork::rotate(ILayer& layer) {
  if (!static_cast<IRotaryEmbeddingLayer&>(layer).getInterleaved()) {
    throw std::runtime_error("a rotation of halves");
  }
  const Array &x = value(layer.getInput(0)), &cos = value(layer.getInput(1)),
              &sin = value(layer.getInput(2));
  const bool by_place = layer.getNbInputs() > 3;
  const Array none, &places = by_place ? value(layer.getInput(3)) : none;
  return filled(x.shape, [&](Shape place) {
    const int64_t i = place[3];
    const Shape angle = by_place
                            ? Shape{static_cast<int64_t>(at(places, {place[0], place[2]})), i / 2}
                            : Shape{place[0], place[2], i / 2};
    const double c = at(cos, angle), s = at(sin, angle), own = at(x, place);
    place[3] = i % 2 == 0 ? i + 1 : i - 1;
    return own * c + (i % 2 == 0 ? -s : s) * at(x, place);
  });
}

Array HostNetwork::attend(IAttention& attention) {
  const Array &q = value(attention.getInput(0)), &k = value(attention.getInput(1)),
              &v = value(attention.getInput(2));
  const Array all{{1, 1, 1, 1}, {1}};
  const Array& mask = attention.getMask() == nullptr ? all : value(attention.getMask());
  const int64_t shared = q.shape[1] / k.shape[1], tokens = k.shape[2], dim = q.shape[3];
  return filled(q.shape, [&](const Shape& place) {
    const int64_t batch = place[0], head = place[1] / shared;
    double total = 0, result = 0;
    for (int64_t token = 0; token < tokens; ++token) {
      if (at(mask, {batch, place[1], place[2], token}) == 0) continue;
      double score = 0;
      for (int64_t i = 0; i < dim; ++i) {
        score += at(q, {batch, place[1], place[2], i}) * at(k, {batch, head, token, i});
      }
      total += std::exp(score);
      result += std::exp(score) * at(v, {batch, head, token, place[3]});
    }
    return result / total;
  });
}

}  // namespace llm2clip::testing

#include "engine/torchscript/operators/linear_operator.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "base/cpu_features.h"
#include "engine/torchscript/operators/kernel_dtype.h"
#include "engine/torchscript/operators/large_result.h"
#include "engine/torchscript/operators/panels.h"
#include "engine/torchscript/operators/quantised_input.h"
#include "engine/torchscript/operators/shares.h"
#include "kernels/cpu/linear.h"

namespace llm2clip {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// A kernel that multiplies int16 numbers.
struct Int16Kernel {
  const char* name;
  void (*multiply)(const int16_t* x, const float* row_scales, const int16_t* packed,
                   const float* bias, float* out, const LinearArguments& a,
                   const LinearShares& shares, int64_t share);
  PanelLayout layout;
};

constexpr Int16Kernel kAvx2{"own, AVX2 in int16", linear_int16_avx2, kStrips};
constexpr Int16Kernel kAvxVnni{"own, AVX-VNNI in int16", linear_int16_avx_vnni, kStrips};
constexpr Int16Kernel k256Vnni{kAvxVnni.name, linear_int16_256_avx512_vnni, kStrips};
constexpr Int16Kernel kAvx512Vnni{"own, AVX-512 VNNI in int16", linear_avx512_vnni, kWholePanels};

// Returns nullptr if no int16 kernel is faster than the alternatives.
const Int16Kernel* int16_kernel() {
  switch (cpu_isa()) {
    case Isa::kAvx2: return &kAvx2;
    case Isa::kAvxVnni: return has_avx_vnni() ? &kAvxVnni : &k256Vnni;
    case Isa::kAvx512Vnni: return &kAvx512Vnni;
    default: return nullptr;
  }
}

// Where there is AMX, it multiplies faster than any kernel of this project.
bool runs_in_panels(at::ScalarType type) {
  return type == at::kFloat ? cpu_isa() >= Isa::kAvx2 : cpu_isa() == Isa::kAvx512Bf16;
}

// Whether f32 kernels read strips. The 256-bit f32 kernel also serves processors with AVX-VNNI.
bool runs_in_strips() { return cpu_isa() < Isa::kAvx512; }

void check_panels(const Tensor& panels, const LinearArguments& a, int64_t groups) {
  TORCH_CHECK(panels.size(0) == linear_panels(a.out) && panels.size(1) == groups,
              "expected panels of a weight [", a.out, ", ", a.in, "], found ", panels.sizes());
}

Tensor linear_in_int16(const Tensor& input, const Tensor& panels, const OptionalTensor& bias,
                       int64_t out_features) {
  const Tensor x = input.flatten(0, -2).contiguous();
  const QuantisedInput q = quantised_input<int16_t, int16_t>(x, nullptr);
  const LinearArguments a{x.size(0), q.values.size(1), out_features};
  check_panels(panels, a, linear_groups<int16_t>(a.in));
  Tensor out = empty_result({a.rows, a.out}, at::kFloat);
  const LinearShares shares = linear_shares(a, at::get_num_threads());
  const Int16Kernel& kernel = *int16_kernel();
  in_shares(shares.count, [&](int64_t share) {
    kernel.multiply(q.values.const_data_ptr<int16_t>(), q.scales.const_data_ptr<float>(),
                    panels.const_data_ptr<int16_t>(),
                    bias ? bias->const_data_ptr<float>() : nullptr, out.mutable_data_ptr<float>(),
                    a, shares, share);
  });
  return out.view(with_last(input.sizes(), out_features));
}

template <typename X>
Tensor multiply_panels(const Tensor& x, const Tensor& panels, const float* bias,
                       const LinearArguments& a) {
  Tensor out = empty_result({a.rows, a.out}, x.scalar_type());
  const LinearShares shares = linear_shares(a, at::get_num_threads());
  in_shares(shares.count, [&](int64_t share) {
    if constexpr (std::is_same_v<X, at::BFloat16>) {
      linear_avx512_bf16(data<X>(x), data<at::BFloat16>(panels), bias, mutable_data<X>(out), a,
                         shares, share);
    } else if (panels.scalar_type() == at::kBFloat16) {
      linear_avx512(data<X>(x), data<at::BFloat16>(panels), bias, mutable_data<X>(out), a, shares,
                    share);
    } else if (runs_in_strips()) {
      linear_avx2(data<X>(x), data<float>(panels), bias, mutable_data<X>(out), a, shares, share);
    } else {
      linear_avx512(data<X>(x), data<float>(panels), bias, mutable_data<X>(out), a, shares, share);
    }
  });
  return out;
}

Tensor linear_in_panels(const Tensor& input, const Tensor& panels, const OptionalTensor& bias,
                        int64_t out_features) {
  const auto shape = input.sizes();
  const Tensor x = in_whole_groups(input.flatten(0, -2).contiguous(), panels.element_size());
  const LinearArguments a{x.size(0), x.size(1), out_features};
  check_panels(panels, a, a.in * panels.element_size() / 4);
  const float* start = bias ? bias->const_data_ptr<float>() : nullptr;
  Tensor out = x.scalar_type() == at::kFloat ? multiply_panels<float>(x, panels, start, a)
                                             : multiply_panels<at::BFloat16>(x, panels, start, a);
  return out.view(with_last(shape, out_features));
}

OptionalTensor typed_as(const OptionalTensor& bias, const Tensor& x) {
  return bias ? OptionalTensor(bias->to(x.scalar_type())) : bias;
}

Tensor linear_onednn(const Tensor& x, const Tensor& weight, const OptionalTensor& bias) {
  using Signature = Tensor(const Tensor&, const Tensor&, const OptionalTensor&, std::string_view,
                           c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<Signature>();
  return op.call(x.contiguous(), weight, typed_as(bias, x), "none",
                 c10::List<std::optional<at::Scalar>>(), "");
}

Tensor prepack_onednn(const Tensor& weight) {
  using Signature = Tensor(const Tensor&, std::optional<int64_t>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                             .typed<Signature>();
  return op.call(weight.contiguous(), std::nullopt);
}

}  // namespace

bool runs_in_int16(at::ScalarType stored) {
  return stored != at::kFloat && int16_kernel() != nullptr;
}

std::string linear_kernel(at::ScalarType stored, at::ScalarType type) {
  if (runs_in_int16(stored)) return int16_kernel()->name;
  if (!runs_in_panels(type)) return "oneDNN, prepacked";
  if (type != at::kFloat) return "own, AVX-512 BF16";
  return runs_in_strips() ? "own, AVX2" : "own, AVX-512";
}

Tensor prepack_linear_weight(const Tensor& weight, at::ScalarType type) {
  if (runs_in_int16(weight.scalar_type())) {
    const bool in_fp16 = weight.scalar_type() == at::kHalf;
    return pack_in_int16_panels(in_fp16 ? weight.to(at::kFloat) : weight, int16_kernel()->layout);
  }
  if (!runs_in_panels(type)) return prepack_onednn(weight.to(type));
  if (runs_in_strips()) return pack_in_panels<float>(weight.to(at::kFloat), kStrips);
  // The kernel for f32 widens bf16 panels itself, so no f32 copy of bf16 weights is kept.
  const bool in_bf16 = type == at::kBFloat16 || weight.scalar_type() == at::kBFloat16;
  return in_bf16 ? pack_in_panels<uint16_t>(weight.to(at::kBFloat16))
                 : pack_in_panels<float>(weight.to(at::kFloat));
}

Tensor linear(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, int64_t out) {
  if (weight.is_mkldnn()) return linear_onednn(x, weight, bias);
  if (weight.scalar_type() == at::kShort) return linear_in_int16(x, weight, bias, out);
  if (weight.dim() == 3) return linear_in_panels(x, weight, bias, out);
  return at::linear(x, weight, typed_as(bias, x));
}

}  // namespace llm2clip

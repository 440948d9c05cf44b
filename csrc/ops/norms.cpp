#include "ops/norms.h"

#include "kernels/cpu/gate.h"
#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/layer_norm.h"
#include "kernels/cpu/rms_norm.h"

namespace llm2clip {
namespace {

template <typename T>
const T* of(const void* weight) {
  return static_cast<const T*>(weight);
}

}  // namespace

void layer_norm(Workers& workers, const LayerNormWeights& w, ConstMatrix x, Matrix out) {
  const LayerNormArguments a{out.width, w.eps};
  for_element(out.element, [&]<typename T>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      if (x.element == out.element) {
        layer_norm_rows(x.as<T>(), of<T>(w.weight), of<T>(w.bias), out.as<T>(), a, first, last);
      } else {
        layer_norm_rows(x.as<float>(), of<T>(w.weight), of<T>(w.bias), out.as<T>(), a, first, last);
      }
    });
  });
}

void add_layer_norm(Workers& workers, const LayerNormWeights& w, ConstMatrix x, ConstMatrix y,
                    Matrix sum, Matrix out) {
  const LayerNormArguments a{out.width, w.eps};
  for_element(out.element, [&]<typename T>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      add_layer_norm_rows(x.as<float>(), y.as<T>(), of<T>(w.weight), of<T>(w.bias), sum.as<float>(),
                          out.as<T>(), a, first, last);
    });
  });
}

void rms_norm(Workers& workers, const RmsNormWeights& w, ConstMatrix x, Matrix out) {
  const RmsNormArguments a{out.width, w.eps};
  for_element(out.element, [&]<typename T>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      rms_norm_rows(x.as<float>(), of<T>(w.weight), out.as<T>(), a, first, last);
    });
  });
}

void add_rms_norm(Workers& workers, const RmsNormWeights& w, ConstMatrix x, ConstMatrix y,
                  Matrix sum, Matrix out) {
  const RmsNormArguments a{out.width, w.eps};
  for_element(out.element, [&]<typename T>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      add_rms_norm_rows(x.as<float>(), y.as<T>(), of<T>(w.weight), sum.as<float>(), out.as<T>(), a,
                        first, last);
    });
  });
}

void gated_norm(Workers& workers, const LayerNormWeights& w, ConstMatrix gate_up, Matrix out) {
  const GatedNormArguments a{out.width, w.eps};
  for_element(out.element, [&]<typename T>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      gated_norm_rows(gate_up.as<T>(), of<T>(w.weight), of<T>(w.bias), out.as<T>(), a, first, last);
    });
  });
}

void gate(Workers& workers, ConstMatrix gate_up, Matrix out) {
  for_element(out.element, [&]<typename T>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      gate_rows(gate_up.as<T>(), out.as<T>(), out.width, first, last);
    });
  });
}

}  // namespace llm2clip

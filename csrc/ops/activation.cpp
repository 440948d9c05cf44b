#include "ops/activation.h"

#include "kernels/cpu/activation.h"

namespace llm2clip {
namespace {

// Calls kernel(x, out, count) for blocks of rows.
template <typename Kernel>
void of_rows(Workers& workers, ConstMatrix x, Matrix out, const Kernel& kernel) {
  for_element(x.element, [&]<typename T>() {
    workers.run_rows(x.rows, [&](int64_t first, int64_t last) {
      const int64_t at = first * x.width;
      kernel(x.as<T>() + at, out.as<T>() + at, (last - first) * x.width);
    });
  });
}

}  // namespace

void quick_gelu(Workers& workers, ConstMatrix x, Matrix out) {
  of_rows(workers, x, out, [](auto... all) { quick_gelu(all...); });
}

void gelu(Workers& workers, ConstMatrix x, Matrix out) {
  of_rows(workers, x, out, [](auto... all) { gelu(all...); });
}

void gelu_tanh(Workers& workers, ConstMatrix x, Matrix out) {
  of_rows(workers, x, out, [](auto... all) { gelu_tanh(all...); });
}

}  // namespace llm2clip

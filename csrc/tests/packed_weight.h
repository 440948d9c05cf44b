#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "compare.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_shares.h"
#include "kernels/cpu/panels.h"

namespace llm2clip::testing {

// A weight [out, in] as it is stored, in memory that ends where it ends.
struct PackedWeight {
  // T has the size of the stored type.
  template <typename T>
  PackedWeight(WeightType type, const std::vector<T>& weight, int64_t out, int64_t in)
      : type(type), out(out), in(in), panels(linear_panels(out) * panel_bytes(type, in)) {
    const int64_t last = linear_panels(out);
    pack_panels(type, weight.data(), panels.get(), out, in, last / 2, last);
    pack_panels(type, weight.data(), panels.get(), out, in, 0, last / 2);
  }

  // A panel in this form.
  Aligned<std::byte> panel(int64_t number, PanelForm form, const float* scales = nullptr) const {
    const std::byte* stored = panels.get() + number * panel_bytes(type, in);
    const int64_t bytes =
        form == PanelForm::kStored ? panel_bytes(type, in) : unpacked_bytes(type, form, in);
    Aligned<std::byte> result(bytes);
    if (form == PanelForm::kStored) {
      std::copy_n(stored, bytes, result.get());
    } else {
      const int64_t column = number * kTileColumns;
      unpack_panel_plain(stored, result.get(),
                         {type, form, in, scales == nullptr ? nullptr : scales + column,
                          std::min(kTileColumns, out - column)});
    }
    return result;
  }

  WeightType type;
  int64_t out, in;
  Aligned<std::byte> panels;
};

// Calls body(panel of T's, block) for each share, backwards, because threads may run them in any
// order.
template <typename T, typename Body>
void each_share(const PackedWeight& weight, PanelForm form, const LinearArguments& a,
                int64_t threads, const Body& body) {
  const LinearShares shares = linear_shares(a, threads);
  for (int64_t number = shares.count - 1; number >= 0; --number) {
    const LinearShare share = linear_share(a, shares, number);
    const auto panel = weight.panel(share.panel, form);
    body(reinterpret_cast<const T*>(panel.get()), share.block);
  }
}

}  // namespace llm2clip::testing

#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/tile.h"

namespace llm2clip {

// The weights of linear layers are stored in panels of 64 outputs, in one layout for all
// processors, so that they can be used from a mapped file. A panel is [in / group, 64, group],
// where a group has four bytes: one f32, two bf16 or f16, or four int8 numbers. `in` is padded with
// zeros to a whole group, and the last panel with zeros to 64 outputs. One more group ends a panel
// of bf16 and f16, with each output's scale as f32, in which int16 kernels round its weights. One
// more group ends a panel of int8, with −128 · the sum of each output's weights as int32.
enum class WeightType { kF32, kBf16, kF16, kInt8 };

constexpr int64_t kPanelGroupBytes = 4 * kTileColumns;  // of one group of all outputs

constexpr int64_t size_of(WeightType type) {
  return type == WeightType::kF32 ? 4 : type == WeightType::kInt8 ? 1 : 2;
}
constexpr int64_t linear_panels(int64_t out) { return (out + kTileColumns - 1) / kTileColumns; }

// `in` with its padding.
constexpr int64_t whole_groups(WeightType type, int64_t in) {
  const int64_t group = 4 / size_of(type);
  return (in + group - 1) / group * group;
}

// The groups of a panel, with the one that ends it.
constexpr int64_t panel_groups(WeightType type, int64_t in) {
  return whole_groups(type, in) * size_of(type) / 4 + (type == WeightType::kF32 ? 0 : 1);
}
constexpr int64_t panel_bytes(WeightType type, int64_t in) {
  return panel_groups(type, in) * kPanelGroupBytes;
}

// Packs panels first to last − 1 of a weight [out, in]. `packed` is where panel 0 lies.
void pack_panels(WeightType type, const void* weight, std::byte* packed, int64_t out, int64_t in,
                 int64_t first, int64_t last);

// What kernels read. A kernel that reads another form than the stored one unpacks its panel into
// scratch memory right before it multiplies it. 512-bit kernels read whole panels. The others
// read strips of 16 outputs: [4, in / group, 16, group].
//   kF32, kF32Strips: of any type. `in` is not padded. int8 numbers are multiplied by their
//     output's scale.
//   kBf16: of f16.
//   kInt16, kInt16Strips: of bf16 and f16, rounded to int16. They end with the scales.
//   kInt16Strips: of int8, the same numbers.
//   kInt8Strips: of int8. They end with the sums.
// Two forms hold eight bytes of an output one after the other, with more padding:
// [4, in / n, 16, n].
//   kInt8Eights: of int8, n = 8.
//   kBf16Fours: of bf16 and f16, n = 4.
enum class PanelForm {
  kStored,
  kF32,
  kF32Strips,
  kBf16,
  kInt16,
  kInt16Strips,
  kInt8Strips,
  kInt8Eights,
  kBf16Fours
};

// `in` with the padding of a form that keeps numbers in groups.
constexpr int64_t whole_inputs(WeightType type, PanelForm form, int64_t in) {
  if (form == PanelForm::kInt8Eights) return (in + 7) / 8 * 8;
  if (form == PanelForm::kBf16Fours) return (in + 3) / 4 * 4;
  return whole_groups(type, in);
}

struct PanelArguments {
  WeightType type;
  PanelForm form;  // another than kStored
  int64_t in;
  const float* scales = nullptr;  // [columns]: only for int8 to f32
  int64_t columns = 0;            // number of outputs in the panel; only for int8 to f32
};

int64_t unpacked_bytes(WeightType type, PanelForm form, int64_t in);

// Unpacks one panel. Both memories are aligned to 64 bytes. The functions for AVX2 and for NEON
// return the same bits.
void unpack_panel_plain(const std::byte* panel, std::byte* to, const PanelArguments& a);
void unpack_panel_avx2(const std::byte* panel, std::byte* to, const PanelArguments& a);
void unpack_panel_neon(const std::byte* panel, std::byte* to, const PanelArguments& a);

}  // namespace llm2clip

#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/panels.h"

namespace llm2clip {

// All functions are local to the file that includes this one, because each such file is compiled
// for different instructions.

// Where the groups of a panel lie in one of its forms: four bytes for each output.
struct PanelPlaces {
  std::byte* to;
  int64_t group_stride, strip_stride;  // in bytes
};

static inline std::byte* place(const PanelPlaces& places, int64_t group, int64_t column) {
  return places.to + group * places.group_stride + column / kStripColumns * places.strip_stride +
         column % kStripColumns * 4;
}

constexpr int64_t kStripGroupBytes = 4 * kStripColumns;

// The groups of an unpacked panel, without the one that ends it.
static inline int64_t unpacked_groups(WeightType type, PanelForm form, int64_t in) {
  switch (form) {
    case PanelForm::kF32:
    case PanelForm::kF32Strips: return in;
    case PanelForm::kBf16:
    case PanelForm::kInt16:
    case PanelForm::kInt16Strips: return whole_groups(type, in) / 2;
    case PanelForm::kInt8Eights: return whole_inputs(type, form, in) / 4;
    case PanelForm::kBf16Fours: return whole_inputs(type, form, in) / 2;
    case PanelForm::kStored:
    case PanelForm::kInt8Strips: break;
  }
  return whole_groups(type, in) * size_of(type) / 4;
}

static inline PanelPlaces unpacked_places(std::byte* to, const PanelArguments& a) {
  const bool whole =
      a.form == PanelForm::kF32 || a.form == PanelForm::kBf16 || a.form == PanelForm::kInt16;
  if (whole) return {to, kPanelGroupBytes, kStripGroupBytes};
  return {to, kStripGroupBytes, unpacked_groups(a.type, a.form, a.in) * kStripGroupBytes};
}

// Two groups of an output follow one another in kInt8Eights and kBf16Fours. Where the first of such
// a pair lies.
static inline std::byte* pair_place(const PanelPlaces& places, int64_t pair, int64_t column) {
  return place(places, 2 * pair, column - column % kStripColumns) + column % kStripColumns * 8;
}

// Whether the group that ends the stored panel also ends the unpacked one.
static inline bool keeps_end(WeightType type, PanelForm form) {
  return form == PanelForm::kInt16 || form == PanelForm::kInt8Strips ||
         (form == PanelForm::kInt16Strips && type != WeightType::kInt8);
}

}  // namespace llm2clip

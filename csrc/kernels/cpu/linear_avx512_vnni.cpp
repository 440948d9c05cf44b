#include <algorithm>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_int8_scale.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {

template <typename T>
void linear_avx512_vnni(const uint8_t* x, const int8_t* panel, const Int8Scales& scales,
                        const float* bias, T* out, const LinearArguments& a,
                        const LinearBlock& block) {
  alignas(64) int32_t sums[kTileRows * kTileColumns];
  const Int8Outputs outputs{scales.outputs + block.column,
                            bias == nullptr ? nullptr : bias + block.column, block.columns};
  Int8Tile tile{};
  tile.columns = block.columns;
  tile.b_stride = kTileColumns * Int8Tile::kGroup;
  tile.b = panel;
  tile.start = reinterpret_cast<const int32_t*>(tile.b + a.in * kTileColumns);
  tile.c = sums;
  tile.depth = tile.a_stride = a.in;
  tile.c_stride = kTileColumns;
  for (int64_t row = block.row; row < block.row + block.rows; row += kTileRows) {
    tile.rows = std::min(kTileRows, block.row + block.rows - row);
    tile.a = x + row * a.in;
    multiply_tile_avx512_vnni(tile);
    for (int64_t r = 0; r < tile.rows; ++r) {
      scale_row(sums + r * kTileColumns, scales.rows[row + r], outputs,
                out + (row + r) * a.out + block.column);
    }
  }
}

template void linear_avx512_vnni(const uint8_t*, const int8_t*, const Int8Scales&, const float*,
                                 float*, const LinearArguments&, const LinearBlock&);
template void linear_avx512_vnni(const uint8_t*, const int8_t*, const Int8Scales&, const float*,
                                 uint16_t*, const LinearArguments&, const LinearBlock&);

}  // namespace llm2clip

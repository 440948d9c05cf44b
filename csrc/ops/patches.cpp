#include "ops/patches.h"

#include "kernels/cpu/rows.h"

namespace llm2clip {

void patches(Workers& workers, const float* pixels, int64_t size, int64_t patch, Matrix out) {
  const int64_t grid = size / patch;
  for_element(out.element, [&]<typename T>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      T* to = out.as<T>() + first * out.width;
      for (int64_t row = first; row < last; ++row) {
        const int64_t image = row / (grid * grid), y = row / grid % grid, x = row % grid;
        for (int64_t channel = 0; channel < 3; ++channel) {
          const float* from =
              pixels + ((image * 3 + channel) * size + y * patch) * size + x * patch;
          for (int64_t i = 0; i < patch; ++i, from += size, to += patch) {
            convert_numbers(from, to, patch);
          }
        }
      }
    });
  });
}

void patch_tokens(Workers& workers, const TokenEmbeddings& embeddings, ConstMatrix x, Matrix out) {
  const int64_t tokens = embeddings.position.rows, width = out.width;
  const int64_t class_tokens = embeddings.cls == nullptr ? 0 : 1;
  const int64_t count = tokens - class_tokens;
  for_element(embeddings.position.element, [&]<typename P>() {
    for_element(x.element, [&]<typename X>() {
      workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; ++row) {
          const int64_t image = row / tokens, token = row % tokens;
          const P* position = embeddings.position.as<P>() + token * width;
          float* to = out.as<float>() + row * width;
          if (token < class_tokens) {
            add_numbers(static_cast<const P*>(embeddings.cls), position, to, width);
          } else {
            const int64_t from = image * count + token - class_tokens;
            add_numbers(x.as<X>() + from * width, position, to, width);
          }
        }
      });
    });
  });
}

}  // namespace llm2clip

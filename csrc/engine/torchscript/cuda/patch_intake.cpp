#include "engine/torchscript/cuda/patch_intake.h"

#include "kernels/cuda/packed_image.h"

namespace llm2clip {
namespace {

template <typename T>
class PatchIntake final : public ImageIntake {
 public:
  explicit PatchIntake(const PatchGrid& grid) : grid_(grid) {}

  size_t bytes() const override {
    return static_cast<size_t>(grid_.count()) * static_cast<size_t>(grid_.padded) * sizeof(T);
  }

  size_t pack(const ImageView& image, const Preprocessing& how,
              std::span<std::byte> slot) const override {
    return how.size == grid_.size ? pack_image(image, how, slot) : 0;
  }

  void unpack(const std::byte* packed, CudaAddress from, CudaAddress scratch, CudaAddress to,
              const CudaStream& stream) const override {
    const CudaPreprocessing image = packed_image(packed, reinterpret_cast<std::byte*>(from),
                                                 reinterpret_cast<uint8_t*>(scratch));
    preprocess_cuda(image, grid_, reinterpret_cast<T*>(to), stream.handle());
  }

  void convert(CudaAddress from, size_t count, CudaAddress to,
               const CudaStream& stream) const override {
    patches_cuda(reinterpret_cast<const float*>(from), reinterpret_cast<T*>(to), grid_,
                 static_cast<int64_t>(count), stream.handle());
  }

 private:
  PatchGrid grid_;
};

}  // namespace

std::shared_ptr<const ImageIntake> patch_intake(Dtype type, const PatchGrid& grid) {
  switch (type) {
    case Dtype::kF16: return std::make_shared<PatchIntake<F16>>(grid);
    case Dtype::kBF16: return std::make_shared<PatchIntake<BF16>>(grid);
    default: return std::make_shared<PatchIntake<float>>(grid);
  }
}

}  // namespace llm2clip

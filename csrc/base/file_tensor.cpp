#include "base/file_tensor.h"

#include <algorithm>

#include "base/error.h"
#include "base/float_convert.h"

namespace llm2clip {
namespace {

constexpr int64_t kPieceElements = 1 << 18;
constexpr float kLargestHalf = 65504.0F;

}  // namespace

FileTensor::FileTensor(std::shared_ptr<const File> file, FileTensorLayout layout)
    : file_(std::move(file)), layout_(std::move(layout)) {}

int64_t FileTensor::contiguous_run() const {
  int64_t run = 1;
  for (size_t i = layout_.shape.size(); i-- > 0;) {
    if (layout_.shape[i] != 1 && layout_.strides[i] != run) break;
    run *= layout_.shape[i];
  }
  return run;
}

uint64_t FileTensor::offset_of_run(int64_t run, int64_t run_length) const {
  int64_t element = run * run_length, at = 0;
  for (size_t i = layout_.shape.size(); i-- > 0;) {
    at += element % layout_.shape[i] * layout_.strides[i];
    element /= layout_.shape[i];
  }
  return layout_.offset + static_cast<uint64_t>(at) * size_of(layout_.dtype);
}

void FileTensor::convert(const std::byte* in, size_t count, Dtype to, std::byte* out) const {
  std::vector<float> numbers(count);
  to_float(layout_.dtype, in, numbers.data(), count);
  if (!all_finite(numbers.data(), count)) {
    throw Error(ErrorCode::kCheckpointNonfinite,
                "tensor " + layout_.name + " holds NaN or infinity; the checkpoint is damaged");
  }
  if (to == Dtype::kF16 && max_magnitude(numbers.data(), count) > kLargestHalf) {
    throw Error(
        ErrorCode::kCheckpointUnsupported,
        "tensor " + layout_.name + " holds values beyond fp16's range; use --precision bf16");
  }
  from_float(numbers.data(), to, out, count);
}

void FileTensor::read(Dtype dtype, std::span<std::byte> out) const {
  const int64_t total = element_count(layout_.shape);
  const int64_t run = contiguous_run();
  const int64_t piece = std::min(run, kPieceElements);
  std::vector<std::byte> buffer(static_cast<size_t>(piece) * size_of(layout_.dtype));
  for (int64_t start = 0; start < total; start += run) {
    const uint64_t offset = offset_of_run(start / run, run);
    for (int64_t i = 0; i < run; i += piece) {
      const auto count = static_cast<size_t>(std::min(piece, run - i));
      const auto bytes = std::span(buffer).first(count * size_of(layout_.dtype));
      file_->read(offset + static_cast<uint64_t>(i) * size_of(layout_.dtype), bytes);
      convert(bytes.data(), count, dtype,
              out.data() + static_cast<size_t>(start + i) * size_of(dtype));
    }
  }
}

}  // namespace llm2clip

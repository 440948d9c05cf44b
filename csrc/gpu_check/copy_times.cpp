#include "copy_times.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "cuda/context.h"
#include "cuda/memory.h"

namespace llm2clip {
namespace {

constexpr int kRounds = 21;

double median_time(const CudaStream& stream, const std::function<void()>& copy) {
  const CudaEvent begin(CudaEvent::Wait::kSpin, CudaEvent::Timing::kOn);
  const CudaEvent end(CudaEvent::Wait::kSpin, CudaEvent::Timing::kOn);
  std::vector<double> took;
  for (int i = 0; i < kRounds; ++i) {
    stream.record(begin);
    copy();
    stream.record(end);
    end.wait();
    took.push_back(CudaEvent::milliseconds(begin, end));
  }
  std::ranges::sort(took);
  return took[took.size() / 2];
}

}  // namespace

CopyTimes time_copies(int64_t inputs, int64_t outputs) {
  const CudaContext context(0);
  const CudaStream stream;
  const size_t in = static_cast<size_t>(inputs) * sizeof(float);
  const size_t out = static_cast<size_t>(outputs) * sizeof(float);
  const PinnedMemory images(in), result(out);
  const DeviceMemory staged(in), read(in), embeddings(out);
  return {
      median_time(stream, [&] { copy_to_device(staged.address(), {images.data(), in}, stream); }),
      median_time(stream, [&] { copy_on_device(read.address(), staged.address(), in, stream); }),
      median_time(stream,
                  [&] { copy_to_host({result.data(), out}, embeddings.address(), stream); })};
}

}  // namespace llm2clip

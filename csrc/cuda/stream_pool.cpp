#include "cuda/stream_pool.h"

#include <map>
#include <mutex>
#include <vector>

namespace llm2clip {
namespace {

struct Pooled {
  std::shared_ptr<const CudaContext> context;  // destroyed last
  CudaStream stream;
};

// Never destroyed, because threads may outlive the static objects of this library.
struct Pool {
  std::mutex mutex;
  std::map<int, std::vector<std::unique_ptr<Pooled>>> idle;  // keyed by device
};

Pool& pool() {
  static auto* const instance = new Pool;
  return *instance;
}

std::unique_ptr<Pooled> idle_one(int device) {
  const std::lock_guard lock(pool().mutex);
  auto& idle = pool().idle[device];
  if (idle.empty()) return nullptr;
  auto one = std::move(idle.back());
  idle.pop_back();
  return one;
}

void give_back(int device, Pooled* one) {
  const std::lock_guard lock(pool().mutex);
  pool().idle[device].emplace_back(one);
}

}  // namespace

std::shared_ptr<const CudaStream> lend_stream(int device,
                                              const std::shared_ptr<const CudaContext>& context) {
  auto one = idle_one(device);
  if (!one) one = std::make_unique<Pooled>(context, CudaStream());
  const std::shared_ptr<Pooled> lent(one.release(), [device](Pooled* p) { give_back(device, p); });
  return {lent, &lent->stream};
}

}  // namespace llm2clip

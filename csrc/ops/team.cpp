#include "ops/team.h"

#include <algorithm>

namespace llm2clip {

Team::Team(int64_t threads, int64_t processors)
    : processors_(processors),
      scratch_(static_cast<size_t>(std::max<int64_t>(1, std::min(threads, processors)))) {
  helpers_.reserve(scratch_.size());
}

std::byte* Team::scratch(int64_t worker, size_t bytes) {
  return scratch_[static_cast<size_t>(worker)].of(bytes);
}

void Team::run_shares(int64_t shares, Call* call, const void* body) {
  const int64_t threads = std::min(shares, count());
  Job job(call, body, shares);
  if (threads > 1) {
    HelperPool& pool = HelperPool::shared();
    pool.lend(threads, processors_, helpers_);
    // Waking a helper takes time, so none is woken when the others have taken all shares.
    size_t offered = 0;
    while (offered < helpers_.size() && job.has_shares()) {
      helpers_[offered]->offer(job, static_cast<int64_t>(offered) + 1);
      ++offered;
    }
    job.work(0);
    for (size_t i = 0; i < offered; ++i) helpers_[i]->recall();
    pool.take_back(threads, helpers_);
  } else {
    job.work(0);
  }
  job.rethrow();
}

}  // namespace llm2clip

#include "vectors_search.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "arguments.h"
#include "base/error.h"
#include "function.h"
#include "promise_worker.h"
#include "search/encode_rows.h"
#include "search/search.h"
#include "typed_array.h"
#include "vectors.h"

namespace llm2clip::binding {
namespace {

using Hits = std::vector<std::vector<Hit>>;

constexpr double kMostScale = 1e9;

// { rows, scores }: hits of all queries, one query after the other; { counts }: hits per query.
Napi::Object describe(Napi::Env env, const Hits& hits) {
  size_t total = 0;
  for (const auto& of_query : hits) total += of_query.size();
  auto rows = Napi::Uint32Array::New(env, total);
  auto scores = Napi::Float32Array::New(env, total);
  auto counts = Napi::Uint32Array::New(env, hits.size());
  size_t at = 0;
  for (size_t query = 0; query < hits.size(); ++query) {
    counts[query] = static_cast<uint32_t>(hits[query].size());
    for (const Hit& hit : hits[query]) {
      rows[at] = hit.row;
      scores[at++] = hit.score;
    }
  }
  auto result = Napi::Object::New(env);
  result.Set("rows", rows);
  result.Set("scores", scores);
  result.Set("counts", counts);
  return result;
}

void require_finite(const float* vectors, int64_t count, int64_t dim) {
  const int64_t unfit = find_unfit_row(vectors, count, {Storage::kFp32, dim});
  if (unfit < 0) return;
  throw Error(ErrorCode::kInvalidBuffer,
              "expected finite numbers for queries, found others in row " + std::to_string(unfit));
}

// [n, dim], copied here, so that the caller may change its memory after the call.
std::shared_ptr<const Queries> queries_of(const Napi::CallbackInfo& info, const RowFormat& format) {
  const auto dim = static_cast<size_t>(format.dim);
  const std::span<const float> vectors = rows_of<float>(info[0], dim, "queries");
  const auto count = static_cast<int64_t>(vectors.size() / dim);
  require_finite(vectors.data(), count, format.dim);
  return std::make_shared<const Queries>(vectors.data(), count, format);
}

SearchOptions options_of(const Napi::Value& k, const Napi::Value& threads,
                         const RowFormat& format) {
  return {read_integer(k, "k", 1, kMostRows), read_threads(threads), score_kernel(format.storage),
          nullptr};
}

// { done, cancel }: runs `work` on another thread, which checks whether it is cancelled.
template <typename Result, typename Work, typename Describe>
Napi::Value start(Napi::Env env, const SearchOptions& options, Work work, Describe describe) {
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  auto started = Napi::Object::New(env);
  started.Set("done", PromiseWorker<Result>::run(
                          env,
                          [options, cancelled, work] {
                            SearchOptions own = options;
                            own.cancelled = cancelled.get();
                            return work(own);
                          },
                          describe, Threads::kShort));
  set_function(started, "cancel", [cancelled](const Napi::CallbackInfo&) { *cancelled = true; });
  return started;
}

}  // namespace

Napi::Value search_off_thread(const Napi::CallbackInfo& info, const RowSnapshot& rows) {
  const SearchOptions options = options_of(info[1], info[2], rows.format);
  const auto queries = queries_of(info, rows.format);
  return start<Hits>(
      info.Env(), options,
      [rows, queries](const SearchOptions& options) {
        return llm2clip::search(rows, *queries, options);
      },
      [](Napi::Env env, Hits&& hits) { return describe(env, hits); });
}

Napi::Value rank_off_thread(const Napi::CallbackInfo& info, const RowSnapshot& rows) {
  const SearchOptions options = options_of(info[1], info[2], rows.format);
  const double scale = read_number(info[3], "scale", -kMostScale, kMostScale);
  const auto query = queries_of(info, rows.format);
  if (query->count() != 1) {
    throw Error(ErrorCode::kInvalidBuffer,
                "expected one query, found " + std::to_string(query->count()));
  }
  return start<Ranking>(
      info.Env(), options,
      [rows, query, scale](const SearchOptions& options) {
        return llm2clip::rank(rows, *query, scale, options);
      },
      [](Napi::Env env, Ranking&& ranking) {
        Napi::Object result = describe(env, Hits{ranking.best});
        result.Set("powerSum", Napi::Number::New(env, ranking.power_sum));
        return result;
      });
}

// The result must be [queries, rows], so the rows of b are searched with a as the queries.
Napi::Value similarity(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const RowFormat format{Storage::kFp32, read_integer(info[2], "dim", 1, kMostDim)};
  const int threads = read_threads(info[3]);
  const auto dim = static_cast<size_t>(format.dim);
  const std::span<const float> a = rows_of<float>(info[0], dim, "a");
  const std::span<const float> b = rows_of<float>(info[1], dim, "b");
  const auto n = static_cast<int64_t>(a.size() / dim);
  const auto m = static_cast<int64_t>(b.size() / dim);
  require_finite(a.data(), n, format.dim);
  const auto queries = std::make_shared<const Queries>(a.data(), n, format);
  const auto rows = std::make_shared<VectorRows>(format);
  rows->add(b.data(), m);
  return PromiseWorker<std::vector<float>>::run(
      env, [queries, rows, threads] { return all_scores(rows->snapshot(), *queries, threads); },
      [](Napi::Env env, std::vector<float>&& scores) -> Napi::Value {
        auto result = Napi::Float32Array::New(env, scores.size());
        if (!scores.empty()) std::copy(scores.begin(), scores.end(), result.Data());
        return result;
      },
      Threads::kShort);
}

}  // namespace llm2clip::binding

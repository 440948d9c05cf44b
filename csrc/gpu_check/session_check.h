#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/served_session.h"

namespace llm2clip {

// What is built, and how near to fp32 on the CPU it must come: DESIGN's gates; bf16's is that of
// the CPU.
struct GatedPrecision {
  Precision precision;
  const char* name;
  double least_cosine;
};
inline constexpr GatedPrecision kGatedPrecisions[] = {{Precision::kFp32, "fp32", 0.99999},
                                                      {Precision::kFp16, "fp16", 0.9999},
                                                      {Precision::kBf16, "bf16", 0.999}};
// One vector is the same at batch 1 and in any batch, but for the order of sums.
inline constexpr double kSameInBatches = 0.99999;

// Pictures [count, 3, S, S] such as preprocessing makes them, the same in every run.
std::vector<float> drawn_pictures(int64_t count, int64_t size);

Images views_of(const std::vector<float>& pictures, int64_t size);

// Embeddings [count, dim] of all inputs, in batches of `batch`.
std::vector<float> embed(Session& session, const BatchView& inputs, int64_t batch);

// The least cosine of two lists of embeddings, row by row; NaN where there is one.
double least_cosine(const std::vector<float>& a, const std::vector<float>& b, int64_t dim);

// How long runs of some of the inputs take, in milliseconds.
struct BatchTime {
  int64_t batch;
  double p50, p99;
};
std::vector<BatchTime> time_batches(Session& session, const BatchView& inputs,
                                    double seconds_each);

// As the record has them: pictures, or captions, a second too.
std::string json_of(const std::vector<BatchTime>& times);

// Behind a scheduler of batches up to the session's largest.
std::shared_ptr<ServedSession> serve_pictures(Engine& engine, const SessionOptions& options,
                                              int64_t dim);

// Pictures a second through the scheduler, twice the largest batch under way all the time.
double served_rate(Engine& engine, const SessionOptions& options, int64_t dim, double seconds);

}  // namespace llm2clip

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/served_session.h"

namespace llm2clip {

// The precisions that are built, with the parity gates of DESIGN.md: the minimum cosine to fp32 on
// the CPU. The gate of bf16 is the same as on the CPU.
struct GatedPrecision {
  Precision precision;
  const char* name;
  double least_cosine;
};
inline constexpr GatedPrecision kGatedPrecisions[] = {{Precision::kFp32, "fp32", 0.99999},
                                                      {Precision::kFp16, "fp16", 0.9999},
                                                      {Precision::kBf16, "bf16", 0.999}};
// The minimum cosine between an image's vector at batch 1 and in any batch. Only the order of sums
// may differ.
inline constexpr double kSameInBatches = 0.99999;

// Random images [count, 3, S, S], in the range of preprocessed ones. They are the same in every
// run.
std::vector<float> drawn_images(int64_t count, int64_t size);

Images views_of(const std::vector<float>& images, int64_t size);

// Embeds all inputs in batches of `batch`. Returns [count, dim].
std::vector<float> embed(Session& session, const BatchView& inputs, int64_t batch);

// Returns the lowest cosine between corresponding rows of a and b, or NaN if there is a NaN.
double least_cosine(const std::vector<float>& a, const std::vector<float>& b, int64_t dim);

// The times of runs with one batch size, in milliseconds.
struct BatchTime {
  int64_t batch;
  double p50, p99;
};
std::vector<BatchTime> time_batches(Session& session, const BatchView& inputs, double seconds_each);

// JSON for the record, with images or captions per second.
std::string json_of(const std::vector<BatchTime>& times);

// Opens a session behind a scheduler, with batches up to the session's largest.
std::shared_ptr<ServedSession> serve_images(Engine& engine, const SessionOptions& options,
                                            int64_t dim);

// Images per second through the scheduler, with twice the largest batch pending at all times.
double served_rate(Engine& engine, const SessionOptions& options, int64_t dim, double seconds);

}  // namespace llm2clip

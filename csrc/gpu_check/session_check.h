#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// Pictures [count, 3, S, S] such as preprocessing makes them, the same in every run.
std::vector<float> drawn_pictures(int64_t count, int64_t size);

// Embeddings [count, dim] of them, in batches of `batch`.
std::vector<float> embed(Session& session, const std::vector<float>& pictures, int64_t count,
                         int64_t batch);

// The least cosine of two lists of embeddings, row by row; NaN where there is one.
double least_cosine(const std::vector<float>& a, const std::vector<float>& b, int64_t dim);

// How long runs of one batch take, in milliseconds.
struct BatchTime {
  int64_t batch;
  double p50, p99;
};
std::vector<BatchTime> time_batches(Session& session, const std::vector<float>& pictures,
                                    int64_t largest, double seconds_each);

// Pictures a second through the scheduler, twice the largest batch under way all the time.
double served_rate(Engine& engine, const SessionOptions& options, int64_t dim, double seconds);

}  // namespace llm2clip

#include "session_check.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "engine/served_session.h"
#include "image_requests.h"
#include "json_text.h"

namespace llm2clip {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

const float* copied(Session& session, const float* numbers, int64_t count,
                    std::unique_ptr<BatchMemory>& memory) {
  memory = session.batch_memory(static_cast<size_t>(count));
  std::copy_n(numbers, count, memory->pixels().begin());
  return memory->pixels().data();
}

// Copies images and features to the memory that the session reads fastest. Texts stay where they
// are.
BatchView in_memory_of(Session& session, const BatchView& inputs,
                       std::unique_ptr<BatchMemory>& memory) {
  if (const auto* images = std::get_if<Images>(&inputs)) {
    const auto [pixels, count, size] = *images;
    return Images{copied(session, pixels, count * size, memory), count, size};
  }
  if (const auto* features = std::get_if<Features>(&inputs)) {
    const auto [numbers, count, size] = *features;
    return Features{copied(session, numbers, count * size, memory), count, size};
  }
  return inputs;
}

}  // namespace

std::vector<float> drawn_images(int64_t count, int64_t size) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> pixels(static_cast<size_t>(count * 3 * size * size));
  for (float& pixel : pixels) pixel = normal(generator);
  return pixels;
}

Images views_of(const std::vector<float>& images, int64_t size) {
  const int64_t one = images_of(size).numbers();
  return {images.data(), static_cast<int64_t>(images.size()) / one, one};
}

std::vector<float> embed(Session& session, const BatchView& inputs, int64_t batch) {
  const int64_t count = count_of(inputs);
  std::vector<float> all;
  for (int64_t first = 0; first < count; first += batch) {
    const Embeddings some = session.run(some_of(inputs, first, std::min(batch, count - first)));
    all.insert(all.end(), some.data, some.data + some.batch * some.dim);
  }
  return all;
}

double least_cosine(const std::vector<float>& a, const std::vector<float>& b, int64_t dim) {
  double least = a.size() == b.size() ? 1 : NAN;
  for (size_t row = 0; row + dim <= std::min(a.size(), b.size()); row += dim) {
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = row; i < row + dim; ++i) {
      dot += static_cast<double>(a[i]) * b[i];
      aa += static_cast<double>(a[i]) * a[i];
      bb += static_cast<double>(b[i]) * b[i];
    }
    const double cosine = dot / std::sqrt(aa * bb);
    least = std::isnan(cosine) || std::isnan(least) ? NAN : std::min(least, cosine);
  }
  return least;
}

std::vector<BatchTime> time_batches(Session& session, const BatchView& inputs,
                                    double seconds_each) {
  std::unique_ptr<BatchMemory> memory;
  const BatchView staged = in_memory_of(session, inputs, memory);
  std::vector<BatchTime> times;
  for (int64_t batch = 1; batch <= count_of(inputs); batch *= 2) {
    const BatchView some = some_of(staged, 0, batch);
    std::vector<double> took;
    for (int i = 0; i < 3; ++i) session.run(some);
    for (const auto begin = SteadyClock::now(); seconds_since(begin) < seconds_each;) {
      const auto start = SteadyClock::now();
      session.run(some);
      took.push_back(1e3 * seconds_since(start));
    }
    std::ranges::sort(took);
    times.push_back({batch, took[took.size() / 2], took[took.size() * 99 / 100]});
  }
  return times;
}

std::string json_of(const std::vector<BatchTime>& times) {
  std::vector<std::string> all;
  for (const BatchTime& time : times) {
    const auto batch = static_cast<double>(time.batch);
    all.push_back(json_object({{"batch", json_number(batch, 0)},
                               {"p50Ms", json_number(time.p50, 3)},
                               {"p99Ms", json_number(time.p99, 3)},
                               {"perSecond", json_number(1e3 * batch / time.p50, 1)}}));
  }
  return json_list(all);
}

double served_rate(Engine& engine, const SessionOptions& options, int64_t dim, double seconds) {
  const auto largest = static_cast<size_t>(options.max_batch);
  const auto served = serve_images(engine, options, dim);
  const auto images = drawn_images(static_cast<int64_t>(largest), options.input.shape.back());
  const auto tally = std::make_shared<Tally>();
  const auto begin = SteadyClock::now();
  size_t asked = 0;
  while (seconds_since(begin) < seconds) {
    submit_images(*served->scheduler, images, largest, tally);
    asked += largest;
    if (asked >= 2 * largest) require_completed(*tally, asked - 2 * largest);
  }
  require_completed(*tally, asked);
  return static_cast<double>(tally->completed()) / seconds_since(begin);
}

std::shared_ptr<ServedSession> serve_images(Engine& engine, const SessionOptions& options,
                                            int64_t dim) {
  const auto largest = static_cast<size_t>(options.max_batch);
  return serve(engine, {.vision = PartOptions{options, dim}}, {.max_queue = 8 * largest});
}

}  // namespace llm2clip

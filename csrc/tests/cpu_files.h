#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "batch/text_list.h"
#include "engine/engine.h"
#include "tests/small_towers.h"
#include "tests/temporary_folder.h"

namespace llm2clip::testing {

// Files of the cpu engine with small networks, and sessions that run them.

inline constexpr std::array kPrecisions{
    std::pair{Precision::kFp32, "fp32"}, std::pair{Precision::kBf16, "bf16"},
    std::pair{Precision::kFp16, "fp16"}, std::pair{Precision::kInt8, "int8"}};

void build(const SmallTower& tower, const BuildOptions& options, const std::string& path);

// Returns the path of a file with this network, which is built on demand.
std::string built(const TemporaryFolder& folder, const SmallTower& tower, Precision precision);

// Inputs for a network of any kind.
struct Inputs {
  Inputs(const Input& input, int64_t count);
  std::vector<float> numbers;
  TextList texts;
  BatchView view;
};

SessionOptions options_of(const std::string& path, const Input& input, int threads = 1);
std::unique_ptr<Session> open(const std::string& path, const Input& input, int threads = 1);
std::vector<float> run(Session& session, const BatchView& batch);

std::string content(const std::string& path);
void write(const std::string& path, const std::string& bytes);

}  // namespace llm2clip::testing

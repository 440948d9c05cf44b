#pragma once

#include "engine/cpu/data_file.h"
#include "engine/cpu/runner.h"
#include "engine/engine.h"
#include "ops/team.h"

namespace llm2clip::cpu {

// An engine file with everything that runs it. Its parts refer to each other, so it does not move.
struct OpenFile {
  // Throws ERR_ENGINE_INCOMPATIBLE for a file that does not take options.input, ERR_IO and
  // ERR_DEVICE_UNAVAILABLE.
  explicit OpenFile(const SessionOptions& options);
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  DataFile file;
  Team team;
  Runner runner;
};

}  // namespace llm2clip::cpu

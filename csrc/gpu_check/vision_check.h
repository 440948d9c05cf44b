#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// The vision tower to check, how it is built, and the engines.
struct VisionCheck {
  Engine& reference;                    // builds and runs fp32 on the CPU
  Engine& checked;                      // builds and runs the engine under test
  std::string device;                   // of `checked`
  std::string folder;                   // where engine files are written
  std::string tower;                    // a name for tower_named()
  std::vector<std::string> precisions;  // all if empty
  bool portable;                        // also check the portable flavour
};

// Checks every precision against fp32 on the CPU and batches against single images, and times runs,
// copies and serving. Prints one JSON object to standard output. If an engine throws, its error is
// part of the object and the other engines are still checked. Returns false when a parity gate or
// an engine fails.
bool check_vision(const VisionCheck& check);

// Splits a list of names at its commas.
std::vector<std::string> split_names(const std::string& names);

}  // namespace llm2clip

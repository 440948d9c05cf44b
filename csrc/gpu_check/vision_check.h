#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// Which vision tower is checked, how built, and by which engines.
struct VisionCheck {
  Engine& reference;                    // builds and runs fp32 on the CPU
  Engine& checked;                      // builds and runs what is held against it
  std::string device;                   // of `checked`
  std::string folder;                   // where engine files go
  std::string tower;                    // as tower_named() knows it
  std::vector<std::string> precisions;  // none: all
  bool portable;                        // the portable flavour too
};

// Every precision against fp32 on the CPU, batches against singles, what runs, copies and serving
// take. Prints one JSON object to standard output; an engine that throws has its error there and
// does not keep others from being checked. False where a parity gate or an engine fails.
bool check_vision(const VisionCheck& check);

// Names between commas.
std::vector<std::string> split_names(const std::string& names);

}  // namespace llm2clip

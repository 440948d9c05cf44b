// Checks a vision tower on the TorchScript engine on a GPU. It needs neither Node nor a checkpoint.
//   gpu_session_check DEVICE PLUGIN FOLDER TOWER PRECISIONS LIBRARY…
// DEVICE is cuda, or cpu to try out the check itself. PRECISIONS are separated by commas, or "all".
// Writes engines with random weights to FOLDER and one JSON object to standard output. The exit
// code is 1 when a check fails. For a small tower the portable flavour is checked, too.
#include <cstdio>

#include "engine/plugin.h"
#include "vision_check.h"

int main(int count, char** arguments) {
  using namespace llm2clip;
  if (count < 7) {
    std::fprintf(stderr, "gpu_session_check DEVICE PLUGIN FOLDER TOWER PRECISIONS LIBRARY…\n");
    return 2;
  }
  try {
    const auto engine = open_plugin(arguments[2], {arguments + 6, arguments + count});
    const std::string tower = arguments[4], precisions = arguments[5];
    return check_vision({.reference = *engine,
                         .checked = *engine,
                         .device = arguments[1],
                         .folder = arguments[3],
                         .tower = tower,
                         .precisions = split_names(precisions == "all" ? "" : precisions),
                         .portable = tower.ends_with("-small")})
               ? 0
               : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

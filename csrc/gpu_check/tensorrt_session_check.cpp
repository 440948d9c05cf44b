// Checks plans of TensorRT or TensorRT for RTX on the first GPU against fp32 TorchScript on the
// CPU. It needs neither Node nor a checkpoint.
//   tensorrt_session_check TORCHSCRIPT TENSORRT TENSORRT_LIBRARY FOLDER TOWER PRECISIONS LIBRARY…
// The arguments are both plugins with the libraries of each; otherwise they are the same as those
// of gpu_session_check.
#include <cstdio>

#include "engine/plugin.h"
#include "vision_check.h"

int main(int count, char** arguments) {
  using namespace llm2clip;
  if (count < 8) {
    std::fprintf(stderr,
                 "tensorrt_session_check TORCHSCRIPT TENSORRT TENSORRT_LIBRARY FOLDER TOWER "
                 "PRECISIONS LIBRARY…\n");
    return 2;
  }
  try {
    const auto torchscript = open_plugin(arguments[1], {arguments + 7, arguments + count});
    const auto tensorrt = open_plugin(arguments[2], {arguments[3]});
    const std::string precisions = arguments[6];
    return check_vision({.reference = *torchscript,
                         .checked = *tensorrt,
                         .device = "cuda",
                         .folder = arguments[4],
                         .tower = arguments[5],
                         .precisions = split_names(precisions == "all" ? "" : precisions),
                         .portable = false})
               ? 0
               : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

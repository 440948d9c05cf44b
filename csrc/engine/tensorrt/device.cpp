#include "engine/tensorrt/device.h"

#include <algorithm>

#include "engine/tensorrt/flavour.h"

namespace llm2clip::tensorrt {
namespace {

std::string in_words(int capability) {
  return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
}

std::string in_words(const std::vector<int>& capabilities) {
  std::string list;
  for (const int each : capabilities) list += (list.empty() ? "" : ", ") + in_words(each);
  return list;
}

CudaDevice device_at(int index) {
  const CudaProbe probe = probe_cuda();
  if (!probe.problem.empty()) {
    throw Error(ErrorCode::kDeviceUnavailable,
                std::string(kFlavour.name) + " needs a GPU: " + probe.problem);
  }
  const auto count = static_cast<int>(probe.devices.size());
  if (index < count) return probe.devices[static_cast<size_t>(index)];
  throw Error(ErrorCode::kDeviceUnavailable, "expected device cuda:" + std::to_string(index) +
                                                 ", found " + std::to_string(count) + " GPUs");
}

}  // namespace

int compute_capability(const CudaDevice& device) { return 10 * device.major + device.minor; }

CudaDevice require_device(const SessionOptions& options) {
  const CudaDevice device = device_at(cuda_device_index(options.device));
  const std::vector<int>& built_for = options.compute_capabilities;
  const int found = compute_capability(device);
  const bool fits = std::find(built_for.begin(), built_for.end(), found) != built_for.end();
  if (built_for.empty() || fits) return device;
  throw Error(ErrorCode::kEngineIncompatible,
              "expected a GPU of compute capability " + in_words(built_for) + ", found " +
                  in_words(found) + " (" + device.name +
                  "); build the engine again with `npx llm2clip convert --force --engine " +
                  kFlavour.kind + " --compute-capability current`");
}

std::vector<int> build_targets(const BuildOptions& options) {
  if (!options.compute_capabilities.empty()) return options.compute_capabilities;
  return {compute_capability(device_at(0))};
}

}  // namespace llm2clip::tensorrt

#include "cuda/probe.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "cuda/driver.h"

namespace llm2clip {
namespace {

// CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR.
constexpr int kMajor = 75, kMinor = 76;

std::string name_of(const CudaUuid& uuid) {
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", uuid.bytes[i]);
    text += digits.data();
  }
  return text;
}

CudaDevice describe(const DriverApi& api, int index) {
  constexpr const char* kDoing = "cannot describe a GPU";
  CudaDeviceOrdinal device = 0;
  check_cuda(api.device_get(&device, index), kDoing);
  std::array<char, 256> name{};
  size_t bytes = 0;
  CudaUuid uuid{};
  CudaDevice found{.index = index, .name = "", .uuid = "", .memory = 0, .major = 0, .minor = 0};
  check_cuda(api.device_name(name.data(), static_cast<int>(name.size()) - 1, device), kDoing);
  check_cuda(api.device_total_memory(&bytes, device), kDoing);
  check_cuda(api.device_uuid(&uuid, device), kDoing);
  check_cuda(api.device_attribute(&found.major, kMajor, device), kDoing);
  check_cuda(api.device_attribute(&found.minor, kMinor, device), kDoing);
  found.name = name.data();
  found.uuid = name_of(uuid);
  found.memory = bytes;
  return found;
}

}  // namespace

CudaProbe probe_cuda() {
  CudaProbe probe{};
  try {
    const DriverApi& api = cuda_driver();
    check_cuda(api.driver_version(&probe.driver_version), "cannot ask for the driver's version");
    int count = 0;
    check_cuda(api.device_count(&count), "cannot count GPUs");
    for (int i = 0; i < count; ++i) probe.devices.push_back(describe(api, i));
    if (count == 0) probe.problem = "expected an NVIDIA GPU, the driver found none";
  } catch (const std::exception& error) {
    probe.problem = error.what();
  }
  return probe;
}

int cuda_device_index(const std::string& device) {
  constexpr std::string_view kPrefix = "cuda:";
  if (device == "cuda") return 0;
  int index = -1;
  if (device.starts_with(kPrefix)) {
    const char* end = device.data() + device.size();
    const auto [rest, error] = std::from_chars(device.data() + kPrefix.size(), end, index);
    if (error == std::errc() && rest == end && index >= 0) return index;
  }
  throw Error(ErrorCode::kDeviceUnavailable, "expected device cuda or cuda:<n>, found " + device);
}

}  // namespace llm2clip

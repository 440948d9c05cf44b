#include "base/processors.h"

#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>
#include <vector>

namespace llm2clip {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

enum class Version { k1, k2 };

// Returns '' if the file does not exist or cannot be read.
std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(std::move(part));
  return parts;
}

bool lists_cpu(const std::string& names) {
  const auto parts = split(names, ',');
  return std::ranges::find(parts, "cpu") != parts.end();
}

struct Mount {
  std::string root;  // the control group that is mounted
  std::string point;
};

// Finds the mount of control groups: that of version 2, or the `cpu` controller of version 1.
std::optional<Mount> mount_of(const std::string& mount_info, Version version) {
  constexpr std::string_view kSeparator = " - ";
  for (const std::string& line : split(mount_info, '\n')) {
    const size_t middle = line.find(kSeparator);
    if (middle == std::string::npos) continue;
    const auto before = split(line.substr(0, middle), ' ');
    auto after = split(line.substr(middle + kSeparator.size()), ' ');
    if (before.size() < 5 || after.empty()) continue;
    after.resize(3);  // type, source, options
    const bool is_it = version == Version::k2 ? after[0] == "cgroup2"
                                              : after[0] == "cgroup" && lists_cpu(after[2]);
    if (is_it) return Mount{before[3], before[4]};
  }
  return std::nullopt;
}

// Returns this process's group in a hierarchy, e.g. `/user.slice`.
std::optional<std::string> group_of(const std::string& groups, Version version) {
  for (const std::string& line : split(groups, '\n')) {  // id:controllers:path
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const bool is_it = version == Version::k2
                           ? line.substr(0, first) == "0"
                           : lists_cpu(line.substr(first + 1, second - first - 1));
    if (is_it) return line.substr(second + 1);
  }
  return std::nullopt;
}

// Returns the number of processors whose time a group may use.
double quota_of(const std::string& folder, Version version) {
  std::istringstream text(version == Version::k2 ? read(folder + "/cpu.max")
                                                 : read(folder + "/cpu.cfs_quota_us") + ' ' +
                                                       read(folder + "/cpu.cfs_period_us"));
  double quota = 0, period = 0;
  if (!(text >> quota >> period)) return kNoLimit;  // for example "max 100000"
  return quota > 0 && period > 0 ? quota / period : kNoLimit;
}

// Returns the lowest quota of this process's group and its parents, up to the mounted one.
double quota_in(const std::string& root, Version version) {
  const auto mount = mount_of(read(root + "/proc/self/mountinfo"), version);
  const auto group = group_of(read(root + "/proc/self/cgroup"), version);
  if (!mount || !group) return kNoLimit;
  // A container sees its own group as the mounted one, or paths of the host that it cannot open.
  const std::string top = mount->root == "/" ? "" : mount->root;
  const bool inside = *group == mount->root || group->starts_with(top + '/');
  std::filesystem::path path =
      std::filesystem::path('/' + (inside ? group->substr(top.size()) : "")).lexically_normal();
  for (double least = kNoLimit;; path = path.parent_path()) {
    least = std::min(least, quota_of(root + '/' + mount->point + path.string(), version));
    if (path == path.parent_path()) return least;
  }
}

int64_t processors_of_this_thread() {
  for (size_t most = CPU_SETSIZE; most <= size_t{1} << 20; most *= 2) {
    std::vector<cpu_set_t> set(most / CPU_SETSIZE);
    const size_t bytes = set.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, set.data()) == 0) return CPU_COUNT_S(bytes, set.data());
  }
  return std::thread::hardware_concurrency();
}

}  // namespace

int64_t usable_processors(const std::string& root) {
  const auto all = static_cast<double>(processors_of_this_thread());
  const double quota = std::min(quota_in(root, Version::k1), quota_in(root, Version::k2));
  return std::max<int64_t>(1, static_cast<int64_t>(std::min(all, quota)));
}

}  // namespace llm2clip

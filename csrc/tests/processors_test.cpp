// Tests the number of usable processors on the systems of test/processors.test.mts.
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "base/processors.h"
#include "expect.h"
#include "temporary_folder.h"

namespace llm2clip::testing {
namespace {

using Files = std::map<std::string, std::string>;

// The number of processors that a system's files allow. They are its /proc and /sys.
int64_t processors_of(const Files& files) {
  const TemporaryFolder root;
  for (const auto& [path, content] : files) {
    const std::filesystem::path at = root.path() + path;
    std::filesystem::create_directories(at.parent_path());
    std::ofstream(at) << content;
  }
  return usable_processors(root.path());
}

using Quotas = std::map<std::string, std::string>;

int64_t version2(const std::string& group, const Quotas& quotas, const std::string& root = "/") {
  Files files{
      {"/proc/self/cgroup", "0::" + group + "\n"},
      {"/proc/self/mountinfo",
       "35 24 0:29 " + root + " /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"}};
  for (const auto& [at, quota] : quotas) files["/sys/fs/cgroup" + at + "/cpu.max"] = quota;
  return processors_of(files);
}

int64_t version1(const std::string& group, const Quotas& quotas, const std::string& root = "/") {
  Files files{{"/proc/self/cgroup", "5:cpuset:/elsewhere\n4:cpu,cpuacct:" + group + "\n0::/\n"},
              {"/proc/self/mountinfo",
               "33 25 0:28 " + root +
                   " /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
                   "34 25 0:29 " +
                   root + " /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"}};
  for (const auto& [at, quota] : quotas) {
    files["/sys/fs/cgroup/cpu,cpuacct" + at + "/cpu.cfs_quota_us"] = quota + "\n";
    files["/sys/fs/cgroup/cpu,cpuacct" + at + "/cpu.cfs_period_us"] = "100000\n";
  }
  return processors_of(files);
}

int64_t all_processors() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                       : std::thread::hardware_concurrency();
}

void test_no_limit() {
  const int64_t all = all_processors();
  const std::string plenty = std::to_string(100'000 * (all + 3)) + " 100000\n";
  EXPECT(processors_of({}) == all);
  EXPECT(version2("/a/b", {{"/a/b", "max 100000\n"}, {"/a", "max 100000\n"}}) == all);
  EXPECT(version2("/a", {{"/a", plenty}}) == all);
  EXPECT(version1("/a", {{"/a", "-1"}}) == all);
  EXPECT(processors_of({{"/proc/self/cgroup", "no line of its\n0:\n"},
                        {"/proc/self/mountinfo", "\n - cgroup2\n35 24 - \n"}}) == all);
}

void test_version2() {
  const std::string half = "50000 100000\n";
  EXPECT(version2("/a/b", {{"/a/b", half}}) == 1);
  EXPECT(version2("/a/b", {{"/a/b", "max 100000\n"}, {"/a", half}}) == 1);
  EXPECT(version2("/", {{"", half}}) == 1);
  EXPECT(version2("/docker/1234", {{"", half}}, "/docker/1234") == 1);
  EXPECT(version2("/../other", {{"", half}}) == 1);
  EXPECT(version2("/a", {{"/a", "250000 100000\n"}}) == std::min<int64_t>(2, all_processors()));
}

void test_version1() {
  EXPECT(version1("/a", {{"/a", "50000"}}) == 1);
  EXPECT(version1("/docker/12", {{"", "50000"}}, "/docker/12") == 1);
  EXPECT(version1("/a/b", {{"/a/b", "-1"}, {"/a", "50000"}}) == 1);
}

// The thread of its own keeps the affinity of the others.
void test_affinity() {
  int64_t found = 0;
  std::jthread([&] {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return;
    int first = 0;
    while (!CPU_ISSET(first, &set)) ++first;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    if (::sched_setaffinity(0, sizeof set, &set) == 0) found = usable_processors();
  }).join();
  EXPECT(found == 1);
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"without a limit, every processor", test_no_limit},
                    {"control groups of version 2", test_version2},
                    {"control groups of version 1", test_version1},
                    {"the affinity of a thread", test_affinity}});
}

#include "engine/only_copy.h"

#include <link.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace llm2clip {
namespace {

namespace fs = std::filesystem;

// The libraries of which a process can have only one copy.
struct Vendor {
  std::string_view prefix;    // of the libraries' names
  std::string_view variable;  // names the folder that is `above` levels above the libraries
  int above;
};
constexpr std::array<Vendor, 4> kVendors{{{"libc10", "LLM2CLIP_LIBTORCH", 2},
                                          {"libtorch", "LLM2CLIP_LIBTORCH", 2},
                                          {"libnvinfer", "TENSORRT_ROOT", 1},
                                          {"libtensorrt_rtx", "TENSORRT_RTX_ROOT", 1}}};

const Vendor* vendor_of(const std::string& name) {
  const auto* const found = std::ranges::find_if(
      kVendors, [&](const Vendor& vendor) { return name.starts_with(vendor.prefix); });
  return found == kVendors.end() ? nullptr : found;
}

// Returns the paths of all libraries that this process has loaded, as they were opened.
std::vector<fs::path> loaded_libraries() {
  std::vector<fs::path> paths;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* result) {
        static_cast<std::vector<fs::path>*>(result)->emplace_back(info->dlpi_name);
        return 0;
      },
      &paths);
  return paths;
}

// Compares device and inode, because links are not copies. Equal paths are the same library for the
// loader, whatever file is there now.
bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code unreadable;
  return a == b || fs::equivalent(a, b, unreadable);
}

// Returns the loaded copies from other files, or nothing if this file is loaded itself.
std::vector<fs::path> other_copies(const fs::path& library) {
  std::vector<fs::path> copies = loaded_libraries();
  std::erase_if(copies, [&](const fs::path& one) { return one.filename() != library.filename(); });
  const bool loaded =
      std::ranges::any_of(copies, [&](const fs::path& one) { return is_same(one, library); });
  return loaded ? std::vector<fs::path>() : copies;
}

// Searches the file for the exported name, because a library that is not loaded cannot be asked.
bool is_only_one(const fs::path& library) {
  std::ifstream file(library, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return bytes.find(kOnlyOneSymbol) != std::string::npos;
}

std::string folder_of(fs::path library, int above) {
  for (; above > 0; --above) library = library.parent_path();
  return library.string();
}

}  // namespace

void require_only_copy(const std::string& path) {
  const fs::path library(path);
  const std::string name = library.filename().string();
  const Vendor* const vendor = vendor_of(name);
  std::error_code unreadable;
  if (vendor == nullptr || !fs::exists(library, unreadable)) return;
  const std::vector<fs::path> others = other_copies(library);
  if (others.empty()) return;
  throw Error(ErrorCode::kEngineIncompatible,
              "expected " + path + " to be the only " + name + " in this process, found " +
                  others.front().string() +
                  " loaded already, by another addon or another version of "
                  "llm2clip; set " +
                  std::string(vendor->variable) + " to " +
                  folder_of(others.front(), vendor->above) +
                  ", or load this model in a process of its own");
}

void require_only_plugin(const std::string& path) {
  for (const fs::path& other : other_copies(path)) {
    if (!is_only_one(path) || !is_only_one(other)) continue;
    throw Error(ErrorCode::kEngineIncompatible,
                "expected " + path + " to be the only one of its name in this process, found " +
                    other.string() +
                    " loaded already, by another installation of llm2clip; have one installed "
                    "(npm dedupe), or load this model in a process of its own");
  }
}

}  // namespace llm2clip

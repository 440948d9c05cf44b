#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace llm2clip {

// A new file that is written from its beginning. Throws ERR_IO, also when the file already exists.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);

 private:
  std::string path_;
  int descriptor_;
};

// Cache files only save work, so an unreadable one counts as missing: the result is then empty.
std::vector<std::byte> read_cache(const std::string& path) noexcept;
// Replaces the file atomically: readers see either the old content or the new. Returns false when
// the file cannot be written.
bool write_cache(const std::string& path, std::span<const std::byte> bytes) noexcept;

}  // namespace llm2clip

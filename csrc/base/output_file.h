#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace llm2clip {

// A new file, written from its beginning. Throws ERR_IO, also where the file is there already.
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

// Files that save work and that nobody misses: whatever is wrong with one, there is none.
std::vector<std::byte> read_cache(const std::string& path) noexcept;
// Readers see the old content or the new. False where it cannot be written.
bool write_cache(const std::string& path, std::span<const std::byte> bytes) noexcept;

}  // namespace llm2clip

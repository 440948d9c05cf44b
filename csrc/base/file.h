#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace llm2clip {

// A file opened for reading. Read with pread, never mapped: a map of a file that somebody truncates
// is a SIGBUS. Safe to read from several threads.
class File {
 public:
  // Throws ERR_NOT_FOUND or ERR_IO.
  explicit File(const std::string& path);
  // Takes over an open descriptor of the file at `path`.
  File(const std::string& path, int descriptor) : path_(path), descriptor_(descriptor) {}
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Fills `out` from `offset`, or throws ERR_IO when the file ends before.
  void read(uint64_t offset, std::span<std::byte> out) const;
  uint64_t size() const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int descriptor_;
};

}  // namespace llm2clip

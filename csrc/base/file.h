#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace llm2clip {

// A file that is open for reading. It uses pread and never maps the file, because reading a mapped
// file that another process truncates raises SIGBUS; MappedFile takes care of that. Several threads
// may read at once.
class File {
 public:
  // Throws ERR_NOT_FOUND or ERR_IO.
  explicit File(const std::string& path) : File(path, path) {}
  // The same, with a name for the path in errors.
  File(const std::string& path, const std::string& name);
  // Takes ownership of an open descriptor of the file at `path`.
  File(const std::string& path, int descriptor) : path_(path), descriptor_(descriptor) {}
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Fills `out` with the bytes from `offset`. Throws ERR_IO when the file ends before that.
  void read(uint64_t offset, std::span<std::byte> out) const;
  uint64_t size() const;
  // What fstat() tells. Throws ERR_IO.
  struct stat status() const;
  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_; }

 private:
  std::string path_;
  int descriptor_;
};

}  // namespace llm2clip

#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/file.h"
#include "base/guarded_range.h"

namespace llm2clip {

// Where the bytes of a file are.
enum class FileMemory {
  kMapped,  // in the system's cache of files, which all processes share
  kCopied,  // in memory of this process
};

// The bytes of a whole file, to be read only. Several threads may read them at once. Reading never
// ends the process: if the file becomes shorter or its disk fails while it is mapped, the bytes
// that are missing read as zeros. Hence a computation ends with require_intact(), and its results
// count only if that does not throw:
//
//   const MappedFile weights("model.bin");
//   weights.require_intact();
//   compute(weights.bytes());
//   weights.require_intact();
class MappedFile {
 public:
  // `path` may be /proc/self/fd/N. Errors name the file `name`, or what `path` refers to. Throws
  // ERR_NOT_FOUND, ERR_IO, also if the file changes while it is copied, or ERR_OUT_OF_MEMORY.
  explicit MappedFile(const std::string& path, FileMemory memory = FileMemory::kMapped,
                      const std::string& name = "");
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Aligned to a page. Empty if the file is empty.
  std::span<const std::byte> bytes() const { return pages_.bytes; }
  // Has the system begin to read the file into its cache.
  void will_need() const noexcept;
  // Throws ERR_IO if bytes were missing, or the file is no longer as it was when it was opened: its
  // size or its time of modification. A file of the same name that replaces it changes nothing.
  // Bytes of a copy stay intact.
  void require_intact() const;

 private:
  // Pages of memory that are unmapped at the end.
  class Pages {
   public:
    Pages() = default;
    ~Pages();
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    void map(const File& file, size_t size);
    void copy(const File& file, size_t size);
    std::span<std::byte> bytes;
  };
  std::string find_fault() const;

  File file_;
  const struct stat status_;  // when the file was opened
  Pages pages_;
  std::optional<GuardedRange> guard_;  // if mapped
};

}  // namespace llm2clip

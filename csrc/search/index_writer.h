#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "search/vector_rows.h"

namespace llm2clip {

// Rows first to last − 1 of which those that are not removed are written, with a note.
struct RecordSpec {
  int64_t first, last;
  std::string note;
};

// An index file that this process alone may write, until it dies: the lock is the system's.
class IndexWriter {
 public:
  // Opens a file that is there. Throws ERR_NOT_FOUND, ERR_IO, and ERR_INDEX_LOCKED where another
  // writer has it.
  static std::unique_ptr<IndexWriter> open(const std::string& path);

  // Writes a whole file, which appears in the place of `path` at once, and is locked. `current`, or
  // nullptr, may be the writer of the file that is replaced. Throws ERR_IO, ERR_INDEX_LOCKED.
  static std::unique_ptr<IndexWriter> create(const std::string& path, const RowSnapshot& rows,
                                             const std::vector<RecordSpec>& records,
                                             const IndexWriter* current);
  ~IndexWriter();
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;

  // A descriptor of its own, for reading.
  int duplicate() const;
  // Cuts what follows `end`, and goes on there.
  void cut(uint64_t end);
  // Adds a record. It survives the end of this process; sync() makes it survive that of the
  // machine. What was written of one that fails is cut off.
  void append(const RowSnapshot& rows, const RecordSpec& record);
  void sync() const;
  // Whether this is the file at `path`.
  bool is_at(const std::string& path) const;

 private:
  IndexWriter(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  // A new file beside `path`, locked, to be put there; says its name.
  static std::unique_ptr<IndexWriter> create_empty(const std::string& path, std::string* temporary);
  bool lock() const;
  void write_header(const RowFormat& format);
  void write(const RowSnapshot& rows, const RecordSpec& record);
  void put(const void* bytes, size_t count, uint64_t at) const;

  std::string path_;
  int descriptor_;
  uint64_t end_ = 0;
};

}  // namespace llm2clip

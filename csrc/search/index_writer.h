#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "search/vector_rows.h"

namespace llm2clip {

// The rows first to last − 1, without removed ones, and a note.
struct RecordSpec {
  int64_t first, last;
  std::string note;
};

// An index file that only this process may write until it ends. The lock is the operating system's.
class IndexWriter {
 public:
  // Opens an existing file. Throws ERR_NOT_FOUND, ERR_IO, and ERR_INDEX_LOCKED when another writer
  // has it open.
  static std::unique_ptr<IndexWriter> open(const std::string& path);

  // Writes a complete new file, locks it and moves it to `path` atomically. If the caller already
  // has a writer of the file that is replaced, it passes it as `current`; otherwise nullptr. Throws
  // ERR_IO, ERR_INDEX_LOCKED.
  static std::unique_ptr<IndexWriter> create(const std::string& path, const RowSnapshot& rows,
                                             const std::vector<RecordSpec>& records,
                                             const IndexWriter* current);
  ~IndexWriter();
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;

  // Returns a separate descriptor for reading.
  int duplicate() const;
  // Truncates the file at `end`. The next record is written there.
  void cut(uint64_t end);
  // Adds a record. The record survives the end of this process; after sync() it survives a crash of
  // the machine. If it cannot be written completely, its part is cut off.
  void append(const RowSnapshot& rows, const RecordSpec& record);
  void sync() const;
  // True when this is the file at `path`.
  bool is_at(const std::string& path) const;

 private:
  IndexWriter(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  // Creates a new, locked file beside `path` and stores its name in `temporary`.
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

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "search/vector_rows.h"

namespace llm2clip {

// What one record added: rows, numbered after those of the previous record, and a note.
struct IndexRecord {
  int64_t rows;
  std::string note;
};

struct IndexContent {
  std::shared_ptr<VectorRows> rows;
  std::vector<IndexRecord> records;
  uint64_t end;  // end of the last complete record; the rest was left by a writer that died
};

// Reads a file from its beginning and checks every byte. An incomplete last record is ignored.
// Throws ERR_INDEX_INVALID when the file is damaged or of a later version, ERR_OUT_OF_MEMORY and
// ERR_IO.
IndexContent read_index(const File& file);

}  // namespace llm2clip

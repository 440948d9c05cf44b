#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "search/vector_rows.h"

namespace llm2clip {

// What a record added: rows, whose numbers follow those of the record before, and a note.
struct IndexRecord {
  int64_t rows;
  std::string note;
};

struct IndexContent {
  std::shared_ptr<VectorRows> rows;
  std::vector<IndexRecord> records;
  uint64_t end;  // of the last whole record: what follows was being written when its writer died
};

// Reads a file from its beginning and checks every byte. A last record that is not whole is left
// out. Throws ERR_INDEX_INVALID for anything else that is not as it was written, or of a later
// version; ERR_OUT_OF_MEMORY, ERR_IO.
IndexContent read_index(const File& file);

}  // namespace llm2clip

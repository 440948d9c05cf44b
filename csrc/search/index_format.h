#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/crc32c.h"
#include "search/row_format.h"

// An index file is little-endian. It has a header and then records. Each record adds rows, a note,
// or both atomically. The file only grows; an incomplete record at its end is cut off.
// docs/formats.md describes the format.
namespace llm2clip {

constexpr uint32_t kIndexVersion = 1;
constexpr std::array<char, 8> kIndexMagic = {'L', '2', 'C', 'I', 'N', 'D', 'E', 'X'};
constexpr uint32_t kRecordMagic = 0x4345524c;  // "LREC"
constexpr uint64_t kMostNote = 256U << 20;

struct IndexHeader {
  std::array<char, 8> magic = kIndexMagic;
  uint32_t version = kIndexVersion;
  uint32_t storage = 0;
  uint32_t dim = 0;
  uint32_t reserved = 0;
  uint32_t reserved_too = 0;
  uint32_t checksum = 0;  // of all bytes before it
};
static_assert(sizeof(IndexHeader) == 32);

// Followed by the scales [rows] if the storage has them, the rows [rows, dim], and the note.
struct RecordHeader {
  uint32_t magic = kRecordMagic;
  uint32_t rows = 0;
  uint64_t note_bytes = 0;
  uint32_t payload_checksum = 0;
  uint32_t reserved = 0;
  uint32_t reserved_too = 0;
  uint32_t checksum = 0;  // of all bytes before it
};
static_assert(sizeof(RecordHeader) == 32);

template <typename Header>
uint32_t header_checksum(const Header& header) {
  return crc32c(std::as_bytes(std::span(&header, 1)).first(sizeof(Header) - sizeof(uint32_t)));
}

inline uint64_t payload_bytes(const RecordHeader& record, const RowFormat& format) {
  const uint64_t row = format.row_bytes() + (format.has_scales() ? sizeof(float) : 0);
  return record.rows * row + record.note_bytes;
}

}  // namespace llm2clip

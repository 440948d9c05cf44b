#include "search/index_reader.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "search/index_format.h"

namespace llm2clip {
namespace {

constexpr size_t kPieceBytes = 1U << 20;

template <typename T>
std::span<std::byte> bytes_of(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

class IndexReader {
 public:
  explicit IndexReader(const File& file) : file_(file), size_(file.size()) {}

  IndexContent read() {
    const RowFormat format = read_header();
    IndexContent content{std::make_shared<VectorRows>(format), {}, sizeof(IndexHeader)};
    while (content.end < size_) {
      RecordHeader header;
      if (!read_record_header(content.end, header, format)) break;
      content.records.push_back(read_record(content.end, header, *content.rows));
      content.end += sizeof(header) + payload_bytes(header, format);
    }
    return content;
  }

 private:
  [[noreturn]] void fail(const std::string& expected, uint64_t at) const {
    throw Error(ErrorCode::kIndexInvalid, "expected " + expected + " at byte " +
                                              std::to_string(at) + " of " + file_.path() +
                                              "; the index is damaged: make it again");
  }

  RowFormat read_header() const {
    IndexHeader header;
    if (size_ < sizeof(header)) fail("the header of an index", 0);
    file_.read(0, bytes_of(header));
    if (header.magic != kIndexMagic) {
      throw Error(ErrorCode::kIndexInvalid, file_.path() + " is not an index");
    }
    if (header.version > kIndexVersion) {
      throw Error(ErrorCode::kIndexInvalid,
                  "expected an index of version " + std::to_string(kIndexVersion) + ", found " +
                      std::to_string(header.version) + " in " + file_.path() +
                      "; update llm2clip, or make the index again");
    }
    const bool sound = header.checksum == header_checksum(header) && header.storage <= 2 &&
                       header.dim >= 1 && header.dim <= kMostDim;
    if (!sound) fail("a sound header", 0);
    return {static_cast<Storage>(header.storage), header.dim};
  }

  // Returns false when the file ends within the record.
  bool read_record_header(uint64_t at, RecordHeader& header, const RowFormat& format) const {
    if (size_ - at < sizeof(header)) return false;
    file_.read(at, bytes_of(header));
    if (header.magic == 0 && is_zero_to_end(at)) return false;
    const bool sound = header.magic == kRecordMagic && header.checksum == header_checksum(header) &&
                       header.note_bytes <= kMostNote;
    if (!sound) fail("a record", at);
    return payload_bytes(header, format) <= size_ - at - sizeof(header);
  }

  // After a power failure, a file that grew may have its new length but zeros for its bytes.
  bool is_zero_to_end(uint64_t at) const {
    std::vector<std::byte> piece(kPieceBytes);
    for (; at < size_; at += piece.size()) {
      piece.resize(std::min<uint64_t>(piece.size(), size_ - at));
      file_.read(at, piece);
      const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
      if (!std::all_of(piece.begin(), piece.end(), is_zero)) return false;
    }
    return true;
  }

  IndexRecord read_record(uint64_t at, const RecordHeader& header, VectorRows& rows) const {
    const RowFormat& format = rows.format();
    uint64_t offset = at + sizeof(header);
    uint32_t checksum = 0;
    const auto next = [&](std::span<std::byte> out) {
      file_.read(offset, out);
      checksum = crc32c(out, checksum);
      offset += out.size();
    };
    std::vector<float> scales(format.has_scales() ? header.rows : 0);
    next(std::as_writable_bytes(std::span(scales)));
    const size_t piece = std::max<size_t>(1, kPieceBytes / format.row_bytes());
    std::vector<std::byte> numbers;
    for (size_t row = 0; row < header.rows; row += piece) {
      const size_t count = std::min(piece, header.rows - row);
      numbers.resize(count * format.row_bytes());
      next(numbers);
      rows.add_encoded(numbers.data(), scales.empty() ? nullptr : scales.data() + row,
                       static_cast<int64_t>(count));
    }
    std::string note(header.note_bytes, '\0');
    next(std::as_writable_bytes(std::span(note)));
    if (checksum != header.payload_checksum) fail("a sound record", at);
    return {static_cast<int64_t>(header.rows), std::move(note)};
  }

  const File& file_;
  const uint64_t size_;
};

}  // namespace

IndexContent read_index(const File& file) { return IndexReader(file).read(); }

}  // namespace llm2clip

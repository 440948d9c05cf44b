// Tests exact search: each scoring kernel against the plain one, the best k against a sort of all
// scores with any number of threads, and index files that are cut, damaged, locked and replaced.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "compare.h"
#include "search/index_reader.h"
#include "search/index_writer.h"
#include "search/search.h"
#include "search_kernels.h"

namespace llm2clip {
namespace {

using namespace testing;

constexpr Storage kStorages[] = {Storage::kFp32, Storage::kFp16, Storage::kInt8};
const char* name_of(Storage storage) {
  return storage == Storage::kFp32 ? "fp32" : storage == Storage::kFp16 ? "fp16" : "int8";
}

// Returns the scores [last − first, rows] of all rows.
std::vector<float> scores_of(ScoreKernel kernel, const RowSnapshot& rows, const Queries& queries,
                             int64_t first, int64_t last) {
  auto all = unwritten<float>((last - first) * rows.count);
  for (const auto& block : rows.blocks) {
    const int64_t count = rows.rows_in(*block);
    auto scores = unwritten<float>((last - first) * count);
    kernel(
        {block->memory.get(), block->scales.data(), count, &queries, first, last, scores.data()});
    for (int64_t i = 0; i < last - first; ++i) {
      std::copy_n(scores.begin() + i * count, count,
                  all.begin() + i * rows.count + block->first_row);
    }
  }
  return all;
}

void test_kernels(Storage storage, int64_t dim) {
  constexpr int64_t kRows = 11, kQueries = 7;
  VectorRows all({storage, dim});
  all.add(random_numbers(kRows * dim).data(), kRows);
  const Queries queries(random_numbers(kQueries * dim).data(), kQueries, all.format());
  const auto expected = scores_of(score_rows_plain, all.snapshot(), queries, 0, kQueries);
  for (const ScoreKernelCase& kernel : score_kernels()) {
    if (kernel.int8_only && storage != Storage::kInt8) continue;
    const std::string what = std::string(kernel.name) + " scores of " + name_of(storage) +
                             ", dim " + std::to_string(dim);
    if (!kernel.there) {
      std::printf("skipped %s\n", what.c_str());
      continue;
    }
    const auto found = scores_of(kernel.run, all.snapshot(), queries, 0, kQueries);
    compare(what, expected, found, storage == Storage::kInt8 ? 0 : 1e-5F);
    const auto fifth = scores_of(kernel.run, all.snapshot(), queries, 5, 6);
    EXPECT(std::equal(fifth.begin(), fifth.end(), found.begin() + 5 * kRows));
  }
}

// Compares stored numbers with the ones that were added.
void test_storage(Storage storage, float tolerance) {
  constexpr int64_t kRows = 5, kDim = 100;
  const auto vectors = random_numbers(kRows * kDim, 0.1F);
  VectorRows all({storage, kDim});
  all.add(vectors.data(), kRows);
  std::vector<float> unit(kDim * kDim);
  for (int64_t i = 0; i < kDim; ++i) unit[static_cast<size_t>(i * kDim + i)] = 1;
  const Queries queries(unit.data(), kDim, all.format());
  const auto found = scores_of(score_rows_plain, all.snapshot(), queries, 0, kDim);
  auto expected = unwritten<float>(kRows * kDim);
  for (int64_t i = 0; i < kDim; ++i) {
    for (int64_t row = 0; row < kRows; ++row) {
      expected[static_cast<size_t>(i * kRows + row)] = vectors[static_cast<size_t>(row * kDim + i)];
    }
  }
  compare(std::string("numbers in ") + name_of(storage), expected, found, tolerance);
}

// Numbers with few different values, so that many rows share a score.
std::vector<float> coarse_numbers(int64_t count) {
  auto numbers = random_numbers(count);
  for (float& number : numbers) number = std::round(number);
  return numbers;
}

std::vector<Hit> sorted_hits(const RowSnapshot& rows, const Queries& queries, int64_t query,
                             size_t k) {
  std::vector<Hit> hits;
  for (const auto& block : rows.blocks) {
    const int64_t count = rows.rows_in(*block);
    std::vector<float> scores(static_cast<size_t>(std::max<int64_t>(0, count)));
    score_rows_plain({block->memory.get(), block->scales.data(), count, &queries, query, query + 1,
                      scores.data()});
    for (int64_t i = 0; i < count; ++i) {
      const auto row = static_cast<uint32_t>(block->first_row + i);
      if (!rows.is_removed(row)) hits.push_back({scores[static_cast<size_t>(i)], row});
    }
  }
  std::stable_sort(hits.begin(), hits.end(),
                   [](const Hit& a, const Hit& b) { return a.score > b.score; });
  hits.resize(std::min(k, hits.size()));
  return hits;
}

bool same(const std::vector<Hit>& a, const std::vector<Hit>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Hit& x, const Hit& y) {
    return x.row == y.row && x.score == y.score;
  });
}

void test_search(Storage storage, int64_t count, int64_t k) {
  constexpr int64_t kDim = 3, kQueries = 6;
  VectorRows all({storage, kDim});
  all.add(coarse_numbers(count / 2 * kDim).data(), count / 2);
  all.add(coarse_numbers((count - count / 2) * kDim).data(), count - count / 2);
  std::vector<uint32_t> gone;
  for (uint32_t row = 0; row < count; row += 7) gone.push_back(row);
  if (k % 2 == 0) all.remove(gone);
  const Queries queries(coarse_numbers(kQueries * kDim).data(), kQueries, all.format());
  const RowSnapshot rows = all.snapshot();
  bool right = true;
  for (const int threads : {1, 2, 5}) {
    const auto found = search(rows, queries, {k, threads, score_kernel(storage), nullptr});
    for (int64_t query = 0; query < kQueries; ++query) {
      const auto expected = sorted_hits(rows, queries, query, static_cast<size_t>(k));
      right = right && same(expected, found[static_cast<size_t>(query)]);
    }
  }
  EXPECT(right);
  std::printf("%s best %d of %d in %s\n", right ? "ok" : "FAILED", static_cast<int>(k),
              static_cast<int>(count), name_of(storage));
}

void test_nan_never_wins() {
  TopK best(2);
  const float scores[] = {NAN, -INFINITY, NAN, 1, NAN};
  best.offer(scores, 5, 10, nullptr);
  const auto hits = best.sorted();
  EXPECT(same(hits, {{1, 13}, {-INFINITY, 11}}));
}

// The best k and the sum against a sort of all scores, with ties and removed rows.
void test_rank() {
  constexpr int64_t kDim = 3, kRows = 5000, kBest = 40;
  constexpr double kScale = 1.5;
  VectorRows all({Storage::kFp32, kDim});
  all.add(coarse_numbers(kRows * kDim).data(), kRows);
  std::vector<uint32_t> gone;
  for (const bool some_are_removed : {false, true}) {
    for (uint32_t row = 0; some_are_removed && row < kRows; row += 7) gone.push_back(row);
    all.remove(gone);
    const RowSnapshot rows = all.snapshot();
    const Queries query(coarse_numbers(kDim).data(), 1, all.format());
    const std::vector<Hit> expected = sorted_hits(rows, query, 0, kRows);
    double sum = 0;
    for (const Hit& hit : expected) sum += std::exp(kScale * (hit.score - expected[0].score));
    for (const int threads : {1, 2, 5}) {
      const auto found =
          rank(rows, query, kScale, {kBest, threads, score_kernel(Storage::kFp32), nullptr});
      EXPECT(found.best.size() == kBest);
      EXPECT(same(found.best, {expected.begin(), expected.begin() + kBest}));
      EXPECT(std::abs(found.power_sum / sum - 1) < 1e-9);
    }
  }
}

void test_rank_of_nothing() {
  const VectorRows none({Storage::kFp32, 3});
  const Queries query(random_numbers(3).data(), 1, none.format());
  const auto found = rank(none.snapshot(), query, 1, {5, 2, score_kernel(Storage::kFp32), nullptr});
  EXPECT(found.best.empty() && found.power_sum == 0);
}

void test_cancelled() {
  VectorRows all({Storage::kFp32, 8});
  all.add(random_numbers(8000).data(), 1000);
  const Queries queries(random_numbers(8).data(), 1, all.format());
  const std::atomic<bool> cancelled = true;
  const auto hits =
      search(all.snapshot(), queries, {5, 2, score_kernel(Storage::kFp32), &cancelled});
  EXPECT(hits.size() == 1 && hits[0].empty());
}

void test_added_while_searched() {
  constexpr int64_t kDim = 64;
  VectorRows all({Storage::kInt8, kDim});
  all.add(random_numbers(kDim * 2000).data(), 2000);
  const RowSnapshot rows = all.snapshot();
  const Queries queries(random_numbers(kDim).data(), 1, all.format());
  const SearchOptions options{10, 2, score_kernel(Storage::kInt8), nullptr};
  const auto before = search(rows, queries, options);
  std::jthread searching([&] {
    for (int i = 0; i < 20; ++i) EXPECT(same(search(rows, queries, options)[0], before[0]));
  });
  for (uint32_t i = 0; i < 20; ++i) {
    all.add(random_numbers(kDim * 100).data(), 100);
    all.remove(std::vector<uint32_t>{i});
  }
}

template <typename Body>
void expect_error(ErrorCode code, const Body& body) {
  try {
    body();
    EXPECT(!"an error");
  } catch (const Error& error) {
    if (error.code() != code) std::printf("%s\n", error.what());
    EXPECT(error.code() == code);
  }
}

void test_unfit_rows() {
  VectorRows all({Storage::kFp16, 2});
  for (const float bad : {NAN, INFINITY, 70000.0F}) {
    const float vectors[] = {1, 2, 3, bad};
    expect_error(ErrorCode::kInvalidBuffer, [&] { all.add(vectors, 2); });
  }
  EXPECT(all.count() == 0);
}

namespace fs = std::filesystem;
const fs::path kFolder =
    fs::temp_directory_path() / ("llm2clip-search-" + std::to_string(getpid()));
const std::string kFile = kFolder / "rows.index";

IndexContent read_file() { return read_index(File(kFile)); }

// Writes three records: one row with a note, two rows, and a note alone.
VectorRows write_file(Storage storage) {
  VectorRows all({storage, 63});
  auto writer = IndexWriter::create(kFile, all.snapshot(), {}, nullptr);
  all.add(random_numbers(63).data(), 1);
  writer->append(all.snapshot(), {0, 1, "first"});
  all.add(random_numbers(126).data(), 2);
  writer->append(all.snapshot(), {1, 3, ""});
  writer->append(all.snapshot(), {3, 3, "last"});
  writer->sync();
  return all;
}

bool same_rows(const RowSnapshot& a, const RowSnapshot& b) {
  const Queries queries(random_numbers(63).data(), 1, a.format);
  return a.count == b.count && scores_of(score_rows_plain, a, queries, 0, 1) ==
                                   scores_of(score_rows_plain, b, queries, 0, 1);
}

void test_file_round_trip() {
  for (const Storage storage : kStorages) {
    const VectorRows all = write_file(storage);
    const IndexContent content = read_file();
    EXPECT(same_rows(all.snapshot(), content.rows->snapshot()));
    EXPECT(content.records.size() == 3 && content.records[1].rows == 2);
    EXPECT(content.records[0].note == "first" && content.records[2].note == "last");
    EXPECT(content.end == fs::file_size(kFile));
  }
}

// A file that is cut at any byte keeps the records that end before the cut, and can be appended to.
void test_file_torn() {
  write_file(Storage::kInt8);
  const uint64_t size = fs::file_size(kFile);
  for (uint64_t cut = size; cut >= 32; --cut) {
    fs::resize_file(kFile, cut);
    const IndexContent content = read_file();
    EXPECT(content.end <= cut && content.records.size() <= 3);
    if (cut % 16 != 0) continue;
    auto writer = IndexWriter::open(kFile);
    writer->cut(content.end);
    writer->append(content.rows->snapshot(), {0, 0, "again"});
    EXPECT(read_file().records.size() == content.records.size() + 1);
    writer->cut(content.end);
    fs::resize_file(kFile, cut);
  }
  EXPECT(read_file().records.empty());
  fs::resize_file(kFile, 4096);  // zeros
  EXPECT(read_file().end == 32);
  fs::resize_file(kFile, 31);
  expect_error(ErrorCode::kIndexInvalid, [] { read_file(); });
}

void test_file_damaged() {
  write_file(Storage::kFp16);
  const uint64_t size = fs::file_size(kFile);
  for (uint64_t at = 0; at < size; ++at) {
    std::fstream file(kFile, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    const auto put = [&](int value) {
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(value));
      file.flush();
    };
    put(byte ^ (1 << (at % 8)));
    expect_error(ErrorCode::kIndexInvalid, [] { read_file(); });
    put(byte);
  }
  EXPECT(read_file().records.size() == 3);
}

void test_file_locked_and_replaced() {
  const VectorRows all = write_file(Storage::kFp32);
  {
    auto writer = IndexWriter::open(kFile);
    expect_error(ErrorCode::kIndexLocked, [] { IndexWriter::open(kFile); });
    expect_error(ErrorCode::kIndexLocked,
                 [&] { IndexWriter::create(kFile, all.snapshot(), {}, nullptr); });
    auto next = IndexWriter::create(kFile, all.snapshot(), {{1, 3, "both"}}, writer.get());
    EXPECT(!writer->is_at(kFile) && next->is_at(kFile));
    expect_error(ErrorCode::kIndexLocked, [] { IndexWriter::open(kFile); });
  }
  EXPECT(read_file().records.size() == 1 && read_file().rows->count() == 2);
  EXPECT(std::distance(fs::directory_iterator(kFolder), fs::directory_iterator()) == 1);
  expect_error(ErrorCode::kNotFound, [] { IndexWriter::open(kFolder / "none"); });
}

void test_all_kernels() {
  for (const Storage storage : kStorages) {
    for (const int64_t dim : {1, 7, 63, 64, 65, 1280}) test_kernels(storage, dim);
  }
  test_kernels(Storage::kInt8, kMostDim);
  test_storage(Storage::kFp32, 1e-6F);
  test_storage(Storage::kFp16, 1e-3F);
  test_storage(Storage::kInt8, 5e-3F);
  for (const Storage storage : kStorages) {
    for (const int64_t k : {1, 2, 10, 5000}) {
      for (const int64_t count : {0, 1, 5, 3000}) test_search(storage, count, k);
    }
    test_search(storage, 70000, 10);  // enough rows for several threads
  }
}

}  // namespace
}  // namespace llm2clip

int main() {
  using namespace llm2clip;
  fs::create_directory(kFolder);
  test_all_kernels();
  const int code = testing::run_tests({
      {"NaN is never among the best", test_nan_never_wins},
      {"a ranking is the best of a sort, and the sum over all", test_rank},
      {"a ranking of no rows is empty", test_rank_of_nothing},
      {"a cancelled search ends", test_cancelled},
      {"rows are added and removed while others are searched", test_added_while_searched},
      {"rows that a storage cannot hold are refused", test_unfit_rows},
      {"a file holds what was written", test_file_round_trip},
      {"a torn file goes on where its last record ends", test_file_torn},
      {"any flipped bit is found", test_file_damaged},
      {"one writer a file, which may replace it", test_file_locked_and_replaced},
  });
  fs::remove_all(kFolder);
  return code;
}

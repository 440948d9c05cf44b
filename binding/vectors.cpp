#include "vectors.h"

#include <memory>

#include "arguments.h"
#include "base/error.h"
#include "function.h"
#include "promise_worker.h"
#include "search/index_reader.h"
#include "search/index_writer.h"
#include "typed_array.h"
#include "vectors_search.h"

namespace llm2clip::binding {
namespace {

using Writer = std::shared_ptr<IndexWriter>;

Storage parse_storage(const Napi::Value& value) {
  return one_of<Storage>(
      value, "storage",
      {{"fp32", Storage::kFp32}, {"fp16", Storage::kFp16}, {"int8", Storage::kInt8}});
}

const char* name_of(Storage storage) {
  if (storage == Storage::kFp32) return "fp32";
  return storage == Storage::kFp16 ? "fp16" : "int8";
}

RecordSpec parse_record(const Napi::Value& value, int64_t rows) {
  const Napi::Object record = read_object(value, "record");
  const int64_t first = integer(record, "first", 0, rows);
  return {first, integer(record, "last", first, rows), string(record, "note")};
}

Napi::Value nothing(Napi::Env env, bool&&) { return env.Undefined(); }

// Rows and their file in one environment: the `this` of the functions in lib/native.ts. Native
// threads keep snapshots of the rows, never this object.
class VectorsHandle {
 public:
  VectorsHandle(Napi::Env env, std::shared_ptr<VectorRows> rows, Writer writer)
      : env_(env), rows_(std::move(rows)), writer_(std::move(writer)) {
    account();
  }
  ~VectorsHandle() { dispose(); }

  // add(vectors)
  void add(const Napi::CallbackInfo& info) {
    const auto dim = static_cast<size_t>(rows().format().dim);
    const std::span<const float> vectors = rows_of<float>(info[0], dim, "vectors");
    rows().add(vectors.data(), static_cast<int64_t>(vectors.size() / dim));
    account();
  }

  // remove(rows)
  void remove(const Napi::CallbackInfo& info) {
    rows().remove(elements<uint32_t>(info[0], "rows"));
  }

  Napi::Value search(const Napi::CallbackInfo& info) {
    return search_off_thread(info, rows().snapshot());
  }

  Napi::Value rank(const Napi::CallbackInfo& info) {
    return rank_off_thread(info, rows().snapshot());
  }

  // append({ first, last, note }): appends to the file of openVectors() or save()
  Napi::Value append(const Napi::CallbackInfo& info) {
    if (!writer_)
      throw Error(ErrorCode::kInvalidArg, "expected vectors of a file opened to append");
    RowSnapshot rows = this->rows().snapshot();
    const auto record = std::make_shared<const RecordSpec>(parse_record(info[0], rows.count));
    rows.removed = nullptr;  // the note names them; a later note lists the removed ones
    return PromiseWorker<bool>::run(
        env_,
        [writer = writer_, rows, record] {
          writer->append(rows, *record);
          return true;
        },
        nothing);
  }

  // sync()
  Napi::Value sync() {
    return PromiseWorker<bool>::run(
        env_,
        [writer = writer_] {
          if (writer) writer->sync();
          return true;
        },
        nothing);
  }

  // save(path, records): writes a complete file. If it replaces the open file, it becomes the open
  // file.
  Napi::Value save(const Napi::CallbackInfo& info, const std::shared_ptr<VectorsHandle>& self) {
    const std::string path = read_string(info[0], "path");
    const int64_t count = rows().count();
    const auto records = std::make_shared<const std::vector<RecordSpec>>(
        read_all(read_array(info[1], "records"),
                 [&](const Napi::Value& record) { return parse_record(record, count); }));
    return PromiseWorker<Writer>::run(
        env_,
        [writer = writer_, rows = rows().snapshot(), records, path]() -> Writer {
          const bool replaces = writer != nullptr && writer->is_at(path);
          Writer written = IndexWriter::create(path, rows, *records, writer.get());
          return replaces ? written : nullptr;
        },
        [self](Napi::Env env, Writer&& writer) {
          const bool replaced = writer != nullptr;
          if (replaced && self->rows_) self->writer_ = std::move(writer);
          return Napi::Boolean::New(env, replaced);
        });
  }

  Napi::Value memory_bytes() const {
    return Napi::Number::New(env_, rows_ ? static_cast<double>(rows_->bytes()) : 0);
  }

  void dispose() {
    rows_ = nullptr;
    writer_ = nullptr;
    account();
  }

 private:
  VectorRows& rows() const {
    if (rows_) return *rows_;
    throw Error(ErrorCode::kDisposed, "the vectors have been disposed of");
  }

  // Tells the garbage collector how much memory this small object holds.
  void account() {
    const auto bytes = static_cast<int64_t>(rows_ ? rows_->bytes() : 0);
    if (bytes != accounted_) Napi::MemoryManagement::AdjustExternalMemory(env_, bytes - accounted_);
    accounted_ = bytes;
  }

  Napi::Env env_;
  std::shared_ptr<VectorRows> rows_;  // null after dispose()
  Writer writer_;                     // null without a file
  int64_t accounted_ = 0;
};

Napi::Object wrap(Napi::Env env, const std::shared_ptr<VectorRows>& rows, const Writer& writer) {
  const auto handle = std::make_shared<VectorsHandle>(env, rows, writer);
  using Info = Napi::CallbackInfo;
  auto object = Napi::Object::New(env);
  const auto set = [&](const char* name, auto body) { set_function(object, name, body); };
  object.Set("storage", name_of(rows->format().storage));
  object.Set("dim", Napi::Number::New(env, static_cast<double>(rows->format().dim)));
  set("add", [handle](const Info& info) { handle->add(info); });
  set("remove", [handle](const Info& info) { handle->remove(info); });
  set("search", [handle](const Info& info) { return handle->search(info); });
  set("rank", [handle](const Info& info) { return handle->rank(info); });
  set("append", [handle](const Info& info) { return handle->append(info); });
  set("sync", [handle](const Info&) { return handle->sync(); });
  set("save", [handle](const Info& info) { return handle->save(info, handle); });
  set("memoryBytes", [handle](const Info&) { return handle->memory_bytes(); });
  set("dispose", [handle](const Info&) { handle->dispose(); });
  return object;
}

struct Opened {
  Writer writer;
  IndexContent content;
};

Opened open(const std::string& path, bool append) {
  if (!append) return {nullptr, read_index(File(path))};
  Writer writer = IndexWriter::open(path);
  IndexContent content = read_index(File(path, writer->duplicate()));
  writer->cut(content.end);
  return {std::move(writer), std::move(content)};
}

}  // namespace

Napi::Value create_vectors(const Napi::CallbackInfo& info) {
  const RowFormat format{parse_storage(info[0]), read_integer(info[1], "dim", 1, kMostDim)};
  return wrap(info.Env(), std::make_shared<VectorRows>(format), nullptr);
}

Napi::Value open_vectors(const Napi::CallbackInfo& info) {
  const std::string path = read_string(info[0], "path");
  const bool append = read_boolean(info[1], "append");
  return PromiseWorker<Opened>::run(
      info.Env(), [path, append] { return open(path, append); },
      [](Napi::Env env, Opened&& opened) -> Napi::Value {
        const auto& found = opened.content.records;
        auto records = Napi::Array::New(env, found.size());
        for (uint32_t i = 0; i < found.size(); ++i) {
          auto record = Napi::Object::New(env);
          record.Set("rows", Napi::Number::New(env, static_cast<double>(found[i].rows)));
          record.Set("note", Napi::String::New(env, found[i].note));
          records.Set(i, record);
        }
        auto result = Napi::Object::New(env);
        result.Set("vectors", wrap(env, opened.content.rows, opened.writer));
        result.Set("records", records);
        return result;
      });
}

}  // namespace llm2clip::binding

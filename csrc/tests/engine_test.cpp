// Tests plugins and shared sessions over the fake engine, which lies beside this program.
#include <dlfcn.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "engine/plugin.h"
#include "engine/served_session.h"
#include "expect.h"
#include "fake_runner.h"

namespace llm2clip::testing {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSize = 2;
constexpr int64_t kDim = 4;

fs::path beside(const char* name) {
  return fs::read_symlink("/proc/self/exe").parent_path() / name;
}

template <typename Body>
std::string code_of(const Body& body) {
  try {
    body();
    return "none";
  } catch (const Error& error) {
    return name(error.code());
  }
}

// An engine file for the fake engine. The destructor deletes it.
class FakeFile {
 public:
  explicit FakeFile(int64_t microseconds)
      : path_(fs::temp_directory_path() /
              ("engine-" + std::to_string(::getpid()) + "-" + std::to_string(microseconds))) {
    std::ofstream(path_) << microseconds << ' ' << kDim << '\n';
  }
  ~FakeFile() { fs::remove(path_); }
  FakeFile(const FakeFile&) = delete;
  FakeFile& operator=(const FakeFile&) = delete;

  SessionOptions options(const std::string& device = "cpu") const {
    return {path_.string(), device, 1, images_of(kSize), 4};
  }

 private:
  fs::path path_;
};

std::shared_ptr<Engine> fake_engine() { return open_plugin(beside("fake_engine.so"), {}); }

std::shared_ptr<ServedSession> serve_fake(const SessionOptions& options, int64_t dim = kDim) {
  return serve(*fake_engine(), {.vision = PartOptions{options, dim}}, {});
}

// Sends `count` images, waits for them, and returns their outcomes.
std::vector<std::shared_ptr<Outcome>> encode(ServedSession& session, size_t count) {
  auto client = std::make_shared<FakeClient>();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (size_t i = 0; i < count; ++i) {
    outcomes.push_back(std::make_shared<Outcome>());
    session.scheduler->submit(
        std::make_unique<FakeRequest>(static_cast<float>(i), outcomes.back(), client),
        {.client = client});
  }
  session.scheduler->wake();
  EXPECT(client->wait_for(count));
  return outcomes;
}

void test_plugin() {
  EXPECT(fake_engine()->version() == "fake");
  EXPECT(code_of([] { open_plugin("/nowhere.so", {}); }) == "ERR_RUNTIME_MISSING");
  EXPECT(code_of([] { open_plugin(beside("fake_engine.so"), {"/nowhere.so"}); }) ==
         "ERR_RUNTIME_MISSING");
  // A library that is not a plugin of this project.
  EXPECT(code_of([] { open_plugin("libm.so.6", {}); }) == "ERR_ENGINE_INCOMPATIBLE");
}

// Copies of a library in separate folders. The destructor deletes them.
class LibraryFolder {
 public:
  LibraryFolder()
      : root_(fs::temp_directory_path() / ("libraries-" + std::to_string(::getpid()))) {}
  ~LibraryFolder() { fs::remove_all(root_); }
  LibraryFolder(const LibraryFolder&) = delete;
  LibraryFolder& operator=(const LibraryFolder&) = delete;

  std::string copy(const std::string& name) const {
    fs::create_directories((root_ / name).parent_path());
    fs::copy_file(beside("fake_engine.so"), root_ / name);
    return (root_ / name).string();
  }
  std::string link(const std::string& name, const std::string& target) const {
    fs::create_directories((root_ / name).parent_path());
    fs::create_symlink(target, root_ / name);
    return (root_ / name).string();
  }

 private:
  fs::path root_;
};

std::string open_with(const std::vector<std::string>& libraries) {
  try {
    open_plugin(beside("fake_engine.so"), libraries);
    return "opened";
  } catch (const Error& error) {
    return std::string(name(error.code())) + " " + error.what();
  }
}

bool is_open(const std::string& library) {
  void* const handle = ::dlopen(library.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (handle != nullptr) ::dlclose(handle);
  return handle != nullptr;
}

// A process may open only one copy of libtorch and of TensorRT.
void test_only_copy() {
  const LibraryFolder folder;
  const std::string first = folder.copy("one/lib/libc10.so"), free = folder.copy("one/free.so");
  EXPECT(open_with({first, free}) == "opened");
  EXPECT(open_with({first}) == "opened");
  EXPECT(open_with({folder.link("linked/libc10.so", first)}) == "opened");

  const std::string second = folder.copy("two/lib/libc10.so"), other = folder.copy("two/free.so");
  const std::string refused = open_with({other, second});
  EXPECT(refused.starts_with("ERR_ENGINE_INCOMPATIBLE"));
  const std::string one = fs::path(first).parent_path().parent_path();
  for (const std::string& part : {first, second, "LLM2CLIP_LIBTORCH to " + one + ","}) {
    EXPECT(refused.find(part) != std::string::npos);
  }
  EXPECT(!is_open(second) && !is_open(other));
  // Other libraries may be opened several times.
  EXPECT(open_with({other}) == "opened" && is_open(other) && is_open(free));
}

void test_serve() {
  const FakeFile file(0);
  const auto session = serve_fake(file.options());
  EXPECT(session->info.vision->device == "cpu" && !session->info.llm && !session->info.adapter);
  const auto outcomes = encode(*session, 10);
  for (size_t i = 0; i < outcomes.size(); ++i) EXPECT(outcomes[i]->value == static_cast<float>(i));
}

void test_refused() {
  const FakeFile file(0);
  EXPECT(code_of([&] { serve_fake(file.options("cuda")); }) == "ERR_DEVICE_UNAVAILABLE");
  const auto other = serve_fake(file.options(), kDim + 1);
  const auto outcomes = encode(*other, 1);
  EXPECT(code_of([&] { std::rethrow_exception(outcomes[0]->error); }) == "ERR_ENGINE_INCOMPATIBLE");
}

// Many threads that ask at once get the same session. After all have released it, the next call
// opens a new one.
void test_share() {
  const FakeFile file(100);
  std::atomic<int> opened = 0;
  const auto ask = [&] {
    return share("share", [&] {
      ++opened;
      return serve_fake(file.options());
    });
  };
  for (int round = 1; round <= 5; ++round) {
    std::vector<std::future<std::shared_ptr<ServedSession>>> asked;
    for (int i = 0; i < 8; ++i) asked.push_back(std::async(std::launch::async, ask));
    std::vector<std::shared_ptr<ServedSession>> sessions;
    for (auto& one : asked) sessions.push_back(one.get());
    for (const auto& session : sessions) EXPECT(session == sessions[0]);
    EXPECT(opened == round);
    std::vector<std::future<void>> used;
    for (auto& session : sessions) {
      used.push_back(
          std::async(std::launch::async, [session = std::move(session)] { encode(*session, 20); }));
    }
  }
  const auto one = share("one", [&] { return serve_fake(file.options()); });
  const auto two = share("two", [&] { return serve_fake(file.options()); });
  EXPECT(one != two);
}

// If an opening fails, each thread that waited for it tries to open the session itself.
void test_share_failure() {
  const FakeFile file(0);
  std::atomic<int> attempts = 0;
  const auto ask = [&] {
    return code_of([&] {
      share("failure", [&]() -> std::shared_ptr<ServedSession> {
        ++attempts;
        return serve_fake(file.options("cuda"));
      });
    });
  };
  auto first = std::async(std::launch::async, ask);
  auto second = std::async(std::launch::async, ask);
  EXPECT(first.get() == "ERR_DEVICE_UNAVAILABLE" && second.get() == "ERR_DEVICE_UNAVAILABLE");
  EXPECT(attempts == 2);
  EXPECT(share("failure", [&] { return serve_fake(file.options()); }) != nullptr);
}

// Releasing does not block the caller, and the running batch still finishes.
void test_release_later() {
  const FakeFile file(50'000);
  auto session = serve_fake(file.options());
  const std::weak_ptr<ServedSession> watched = session;
  auto client = std::make_shared<FakeClient>();
  auto outcome = std::make_shared<Outcome>();
  session->scheduler->submit(std::make_unique<FakeRequest>(7.0F, outcome, client),
                             {.client = client});
  session->scheduler->wake();
  release_later(std::move(session));
  EXPECT(client->wait_for(1));
  EXPECT(outcome->value == 7.0F);
  for (int i = 0; i < 120'000 && !watched.expired(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT(watched.expired());
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"plugin", test_plugin},
                    {"only copy", test_only_copy},
                    {"serve", test_serve},
                    {"refused", test_refused},
                    {"share", test_share},
                    {"share, opening fails", test_share_failure},
                    {"release later", test_release_later}});
}

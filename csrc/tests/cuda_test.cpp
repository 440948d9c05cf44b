// Tests csrc/cuda over a fake driver library, which this program finds through its run path.
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "cuda/context.h"
#include "cuda/graph.h"
#include "cuda/memory.h"
#include "cuda/probe.h"
#include "cuda/result_ring.h"
#include "cuda/stream_pool.h"
#include "expect.h"
#include "fake_behaviour.h"

namespace llm2clip::testing {
namespace {

template <typename Body>
Error error_of(const Body& body) {
  try {
    body();
    return {ErrorCode::kInternal, "nothing was thrown"};
  } catch (const Error& error) {
    return error;
  }
}

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

std::string problem_of(const char* mode) {
  const Behaviour behaviour(mode);
  const CudaProbe probe = probe_cuda();
  EXPECT(probe.devices.empty());
  return probe.problem;
}

// Runs first, because a driver is initialised only once per process.
void test_refused() {
  EXPECT(says(problem_of("old"), "found one for CUDA 12.4; update the driver"));
  EXPECT(says(problem_of("no-device"), "the driver found none"));
  EXPECT(says(problem_of("mismatch"), "does not start: system has unsupported"));
  const Behaviour behaviour("old");
  EXPECT(error_of([] { CudaContext context(0); }).code() == ErrorCode::kDeviceUnavailable);
}

void test_probe() {
  const CudaProbe probe = probe_cuda();
  EXPECT(probe.problem.empty());
  EXPECT(probe.driver_version == 13000);
  EXPECT(probe.devices.size() == 2);
  EXPECT(probe.devices[0].name == "Fake H100" && probe.devices[0].major == 9);
  EXPECT(probe.devices[1].index == 1 && probe.devices[1].minor == 9);
  EXPECT(probe.devices[0].uuid == "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f");
  EXPECT(probe.devices[0].memory == uint64_t{16} << 30);
}

void test_device_names() {
  EXPECT(cuda_device_index("cuda") == 0 && cuda_device_index("cuda:0") == 0);
  EXPECT(cuda_device_index("cuda:12") == 12);
  for (const char* name : {"cpu", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cudas"}) {
    EXPECT(error_of([&] { cuda_device_index(name); }).code() == ErrorCode::kDeviceUnavailable);
  }
}

void test_context() {
  const CudaContext context(1);
  EXPECT(context.memory().total == size_t{16} << 30);
  const Error error = error_of([] { CudaContext other(2); });
  EXPECT(error.code() == ErrorCode::kDeviceUnavailable);
  EXPECT(says(error.what(), "one of 2 GPUs (cuda:0 and so on), found cuda:2"));
}

void test_copies() {
  const CudaContext context(0);
  const CudaStream stream;
  const std::vector<float> in = {1, 2, 3};
  const size_t bytes = in.size() * sizeof(float);
  const DeviceMemory device(bytes);
  const PinnedMemory host(bytes);
  EXPECT(host.floats()[1] == 0);
  copy_to_device(device.address(), std::as_bytes(std::span(in)), stream);
  copy_to_host({host.data(), bytes}, device.address(), stream);
  const CudaEvent done(CudaEvent::Wait::kSleep);
  stream.record(done);
  stream.wait(done);
  done.wait();
  EXPECT(done.done());
  EXPECT(std::memcmp(host.data(), in.data(), bytes) == 0);
}

void test_graph() {
  const CudaContext context(0);
  const CudaStream stream;
  const DeviceMemory device(sizeof(float));
  const PinnedMemory in(sizeof(float)), out(sizeof(float));
  const CudaGraph graph(stream, [&] {
    copy_to_device(device.address(), {in.data(), in.bytes()}, stream);
    copy_to_host({out.data(), out.bytes()}, device.address(), stream);
  });
  in.floats()[0] = 5;
  EXPECT(out.floats()[0] == 0);
  graph.launch(stream);
  stream.synchronize();
  EXPECT(out.floats()[0] == 5);
}

// When the body throws, the stream still works afterwards.
void test_graph_fails() {
  const CudaContext context(0);
  const CudaStream stream;
  bool thrown = false;
  try {
    const CudaGraph graph(stream, [] { throw std::runtime_error("deliberate"); });
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  EXPECT(thrown);
  const DeviceMemory device(4);
  const float in = 1;
  copy_to_device(device.address(), std::as_bytes(std::span(&in, 1)), stream);
  stream.synchronize();
}

void test_out_of_memory() {
  const CudaContext context(0);
  const CudaStream stream;
  const Behaviour behaviour("oom");
  const Error error = error_of([] { DeviceMemory memory(3 << 20); });
  EXPECT(error.code() == ErrorCode::kOutOfMemory);
  EXPECT(says(error.what(), "cannot allocate 3 MiB of GPU memory: out of memory"));
  EXPECT(error_of([&] { CudaGraph(stream, [] {}); }).code() == ErrorCode::kOutOfMemory);
}

void test_lost() {
  const CudaContext context(0);
  const CudaStream stream;
  const CudaEvent event;
  const CudaGraph graph(stream, [] {});
  const DeviceMemory memory(4);
  const Behaviour behaviour("lost");
  EXPECT(error_of([&] { stream.synchronize(); }).code() == ErrorCode::kDeviceLost);
  EXPECT(error_of([&] { graph.launch(stream); }).code() == ErrorCode::kDeviceLost);
  EXPECT(error_of([&] { (void)event.done(); }).code() == ErrorCode::kDeviceLost);
  const Error error = error_of([&] { event.wait(); });
  EXPECT(error.code() == ErrorCode::kDeviceLost && says(error.what(), "illegal memory access"));
}

void test_result_ring() {
  ResultRing ring(std::make_shared<const CudaContext>(0));
  auto first = ring.next(16);
  const auto* address = first.get();
  const auto second = ring.next(16);
  EXPECT(second.get() != address);
  first.reset();
  EXPECT(ring.next(32).get() != address);
  EXPECT(ring.next(8).get() == address);
  // A growing result leaves a piece behind only each time its size doubles.
  const auto* grown = ring.next(33).get();
  EXPECT(ring.next(64).get() == grown && ring.next(65).get() != grown);
}

void test_codes() {
  for (const CudaResult sticky : {214, 220, 700, 702, 710, 715, 719, 999}) {
    EXPECT(error_code_of(sticky) == ErrorCode::kDeviceLost);
  }
  EXPECT(error_code_of(2) == ErrorCode::kOutOfMemory);
  EXPECT(error_code_of(100) == ErrorCode::kDeviceUnavailable);
  EXPECT(error_code_of(1) == ErrorCode::kInternal);
}

void test_stream_pool() {
  const auto context = std::make_shared<const CudaContext>(0);
  CudaStreamHandle first = nullptr;
  {
    const auto one = lend_stream(0, context), two = lend_stream(0, context);
    first = one->handle();
    EXPECT(first != two->handle());
    EXPECT(lend_stream(1, context)->handle() != first);
  }
  const auto again = lend_stream(0, context), another = lend_stream(0, context),
             third = lend_stream(0, context);
  EXPECT((again->handle() == first) != (another->handle() == first));
  EXPECT(third->handle() != first);
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"refused", test_refused},
                    {"probe", test_probe},
                    {"device names", test_device_names},
                    {"context", test_context},
                    {"copies", test_copies},
                    {"graph", test_graph},
                    {"graph, recording fails", test_graph_fails},
                    {"out of memory", test_out_of_memory},
                    {"device lost", test_lost},
                    {"result ring", test_result_ring},
                    {"stream pool", test_stream_pool},
                    {"codes", test_codes}});
}

// Tests how batches reach a GPU: pixels and images pass through pinned memory, over the fake driver
// (fake_driver.cpp) and the kernels' twins.
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cuda/context.h"
#include "cuda/staged_batch.h"
#include "engine/torchscript/cuda/patch_intake.h"
#include "expect.h"
#include "fake_behaviour.h"
#include "image/preprocess.h"
#include "serving/batch.h"

namespace llm2clip::testing {
namespace {

constexpr int kSize = 56, kPatch = 14;
constexpr size_t kFloats = size_t{3} * kSize * kSize;
const PatchGrid kGrid{kSize, kPatch, static_cast<int>(padded_to(3 * kPatch * kPatch, kChunk))};
const Preprocessing kHow{kSize, {0.48F, 0.46F, 0.41F}, {0.27F, 0.26F, 0.28F}};

struct Image {
  int64_t width, height;
  int channels;
  bool as_it_is;  // small enough to be sent as a packed image
  std::vector<uint8_t> bytes = {};

  ImageView view() const { return {bytes.data(), width, height, channels}; }
};

std::vector<Image> drawn(std::vector<Image> images) {
  static std::mt19937 generator(3);
  for (Image& image : images) {
    image.bytes.resize(static_cast<size_t>(image.width * image.height * image.channels));
    for (uint8_t& byte : image.bytes) byte = static_cast<uint8_t>(generator());
  }
  return images;
}

// Images that are smaller, larger and as large as the target, wide and tall, narrower than the
// crop, and too large.
std::vector<Image> some_images() {
  return drawn({{100, 90, 3, true},
                {40, 30, 3, true},
                {kSize, kSize, 3, true},
                {64, 50, 1, true},
                {60, 70, 4, true},
                {900, 40, 3, true},
                {40, 900, 3, true},
                {70, 600, 1, true},
                {70, 300, 3, true},
                {1, 1, 3, true},
                {1, 90, 4, true},
                {130, 131, 1, true},
                {110, 113, 3, false},
                {99, 96, 4, false},
                {500, 400, 3, false}});
}

std::vector<float> pixels_of(const Image& image) {
  std::vector<float> pixels(kFloats);
  preprocess(image.view(), kHow, pixels.data());
  return pixels;
}

// The expected patches: preprocessing on the host, followed by patch extraction.
template <typename T>
std::vector<T> patches_of(const Image& image) {
  std::vector<T> patches(static_cast<size_t>(kGrid.count()) * kGrid.padded);
  patches_cuda(pixels_of(image).data(), patches.data(), kGrid, 1, nullptr);
  return patches;
}

template <typename T>
constexpr Dtype kType = std::is_same_v<T, F16>    ? Dtype::kF16
                        : std::is_same_v<T, BF16> ? Dtype::kBF16
                                                  : Dtype::kF32;

// Fills a slot in the same way as a request. Returns true when the slot took the packed image.
bool fill(const Slot& slot, const Image& image) {
  const bool taken = slot.take(image.view(), kHow);
  if (!taken) preprocess(image.view(), kHow, slot.numbers().data());
  slot.filled();
  return taken;
}

// The batches of a session, and the input that it reads.
template <typename T>
class Staged {
 public:
  std::unique_ptr<BatchMemory> add(size_t images) { return batches.add(images * kFloats); }

  // True when the slots from `pixels` on become the patches of these images, bit for bit.
  bool give(const float* pixels, const std::vector<const Image*>& images) {
    const size_t bytes = intake->bytes();
    const DeviceMemory input(images.size() * bytes);
    batches.give(pixels, images.size(), input.address(), stream);
    stream.synchronize();
    bool well = true;
    for (size_t i = 0; i < images.size(); ++i) {
      const auto expected = patches_of<T>(*images[i]);
      const auto* found = static_cast<const std::byte*>(input.data()) + i * bytes;
      well &=
          expected.size() * sizeof(T) == bytes && std::memcmp(found, expected.data(), bytes) == 0;
    }
    return well;
  }

  std::shared_ptr<const CudaContext> context = std::make_shared<const CudaContext>(0);
  CudaStream stream;
  std::shared_ptr<const ImageIntake> intake = patch_intake(kType<T>, kGrid);
  StagedBatches batches{{context, kFloats, intake}};
};

Slot slot_of(BatchMemory& memory, size_t i) {
  return {memory, memory.pixels().subspan(i * kFloats, kFloats)};
}

std::vector<const Image*> all(const std::vector<Image>& images) {
  std::vector<const Image*> pointers;
  for (const Image& image : images) pointers.push_back(&image);
  return pointers;
}

// Repeats the test with images rotated to other slots, so that images replace pixels and the
// reverse, and slots become shorter or longer.
template <typename T>
void test_images() {
  Staged<T> staged;
  std::vector<Image> images = some_images();
  const auto memory = staged.add(images.size());
  for (size_t round = 0; round < images.size(); ++round) {
    for (size_t i = 0; i < images.size(); ++i) {
      EXPECT(fill(slot_of(*memory, i), images[i]) == images[i].as_it_is);
    }
    EXPECT(staged.give(memory->pixels().data(), all(images)));
    std::ranges::rotate(images, images.begin() + 1);
  }
}

// Pixels are written to a slot that held an image.
void test_pixels_over_an_image() {
  Staged<F16> staged;
  const std::vector<Image> images = some_images();
  const auto memory = staged.add(1);
  const Slot slot = slot_of(*memory, 0);
  EXPECT(fill(slot, images[0]));
  EXPECT(staged.give(memory->pixels().data(), {&images[0]}));
  std::ranges::copy(pixels_of(images[1]), slot.numbers().begin());
  slot.filled();
  EXPECT(staged.give(memory->pixels().data(), {&images[1]}));
}

// Parts of a batch are received, as when a failed batch is run again in halves. What was received
// before is sent again.
void test_halves() {
  Staged<F16> staged;
  const std::vector<Image> images = some_images();
  const auto memory = staged.add(images.size());
  for (size_t i = 0; i < images.size(); ++i) fill(slot_of(*memory, i), images[i]);
  const auto pointers = all(images);
  const size_t half = images.size() / 2;
  const auto second = pointers.begin() + static_cast<int64_t>(half);
  EXPECT(staged.give(memory->pixels().data(), pointers));
  EXPECT(staged.give(memory->pixels().data(), {pointers.begin(), second}));
  EXPECT(staged.give(memory->pixels().data() + half * kFloats, {second, pointers.end()}));
}

// Pixels in other memory, first few and then more.
void test_strange_memory() {
  Staged<BF16> staged;
  const std::vector<Image> images = some_images();
  std::vector<float> pixels;
  for (const Image& image : images) std::ranges::copy(pixels_of(image), std::back_inserter(pixels));
  EXPECT(staged.give(pixels.data(), {&images[0]}));
  EXPECT(staged.give(pixels.data(), all(images)));
}

// A request that does nothing.
class Nobody final : public Request {
 public:
  void preprocess(const Slot&) override {}
  void complete(std::span<const float>, const std::shared_ptr<const void>&) override {}
  void fail(std::exception_ptr) override {}
};

std::unique_ptr<Entry> entry(RequestId id) {
  auto entry = std::make_unique<Entry>();
  entry->id = id;
  entry->request = std::make_unique<Nobody>();
  return entry;
}

// When entries are removed, the last ones move to their places. Tests all combinations of pixels
// and images.
void test_closing_up() {
  Staged<F16> staged;
  const std::vector<Image> images = some_images();
  const size_t count = images.size();
  for (size_t gone = 0; gone < count; ++gone) {
    Batch batch(count, kFloats, 0, count);
    batch.set_memory(staged.add(count));
    for (size_t i = 0; i < count; ++i) fill(batch.add(entry(i)), images[i]);
    const auto moves =
        batch.keep_only([&](const Entry& one) { return one.id != gone && one.id != gone / 2; });
    for (const SlotMove& move : moves) batch.move(move);
    EXPECT(batch.size() == count - (gone == gone / 2 ? 1 : 2));
    std::vector<const Image*> kept;
    for (const auto& one : batch.entries()) kept.push_back(&images[one->id]);
    EXPECT(staged.give(std::get<Images>(batch.view(0, kept.size())).pixels, kept));
  }
}

// Images are not taken when there is no intake, or when their target size differs.
void test_not_taken() {
  const std::vector<Image> images = some_images();
  const auto context = std::make_shared<const CudaContext>(0);
  StagedBatches floats({context, kFloats});
  const auto memory = floats.add(kFloats);
  EXPECT(!slot_of(*memory, 0).take(images[1].view(), kHow));
  PlainBatchMemory plain(kFloats);
  EXPECT(!slot_of(plain, 0).take(images[1].view(), kHow));
  Staged<F16> staged;
  const auto other = staged.add(1);
  Preprocessing how = kHow;
  how.size = 28;
  EXPECT(!slot_of(*other, 0).take(images[1].view(), how));
}

// How often a stream has been waited for.
int synchronisations() {
  void* const driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  EXPECT(driver != nullptr);
  const int count =
      reinterpret_cast<int (*)()>(::dlsym(driver, "llm2clip_fake_synchronisations"))();
  ::dlclose(driver);
  return count;
}

// Writing to a slot waits when its copy is pending, and otherwise does not.
void test_slot_under_way() {
  Staged<F16> staged;
  const std::vector<Image> images = some_images();
  const auto memory = staged.add(2);
  const Slot first = slot_of(*memory, 0), second = slot_of(*memory, 1);
  const auto waits = [](const auto& body) {
    const int before = synchronisations();
    body();
    return synchronisations() - before;
  };
  EXPECT(waits([&] { fill(first, images[0]); }) == 0);
  EXPECT(waits([&] { fill(second, images[1]); }) == 0);
  EXPECT(waits([&] { fill(first, images[2]); }) == 1);
  EXPECT(waits([&] {
           memory->move(memory->pixels().first(kFloats), memory->pixels().last(kFloats));
         }) == 1);
  EXPECT(staged.give(memory->pixels().data(), {&images[2], &images[2]}));
  EXPECT(waits([&] { fill(second, images[3]); }) == 0);
}

// Several threads preprocess at the same time.
void test_threads() {
  Staged<F16> staged;
  const std::vector<Image> images = some_images();
  const auto memory = staged.add(images.size());
  std::vector<std::thread> threads;
  for (size_t first = 0; first < 3; ++first) {
    threads.emplace_back([&, first] {
      for (size_t i = first; i < images.size(); i += 3) fill(slot_of(*memory, i), images[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT(staged.give(memory->pixels().data(), all(images)));
}

// Two inputs of two numbers: one is sent early, the other is not. Then the same slots get other
// numbers.
void test_numbers() {
  const auto context = std::make_shared<const CudaContext>(0);
  const CudaStream stream;
  StagedBatches batches({context, 2});
  auto memory = batches.add(6);
  const auto pixels = memory->pixels();
  StagedBatch* const batch = batches.find(pixels.data() + 2);
  EXPECT(batch != nullptr && batches.find(pixels.data() + 6) == nullptr);
  for (const float base : {10.0F, 20.0F}) {
    for (size_t i = 0; i < 6; ++i) pixels[i] = base + static_cast<float>(i);
    std::thread([&] { memory->filled(pixels.subspan(2, 2)); }).join();
    pixels[2] = -1;  // too late: the slot was sent
    const CudaAddress at = batch->receive(pixels.data() + 2, 2, stream);
    std::vector<float> found(4);
    copy_to_host(std::as_writable_bytes(std::span(found)), at, stream);
    EXPECT((found == std::vector<float>{base + 2, base + 3, base + 4, base + 5}));
  }
}

// When the device is lost while images are sent, receive() reports it.
void test_lost() {
  Staged<F16> staged;
  const std::vector<Image> images = some_images();
  const auto memory = staged.add(1);
  const Behaviour behaviour("lost");
  fill(slot_of(*memory, 0), images[0]);
  StagedBatch* const batch = staged.batches.find(memory->pixels().data());
  try {
    batch->receive(memory->pixels().data(), 1, staged.stream);
    EXPECT(false);
  } catch (const Error& error) {
    EXPECT(error.code() == ErrorCode::kDeviceLost);
  }
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  using llm2clip::BF16, llm2clip::F16;
  return run_tests({{"numbers", test_numbers},
                    {"images, fp16", test_images<F16>},
                    {"images, bf16", test_images<BF16>},
                    {"images, fp32", test_images<float>},
                    {"pixels over an image", test_pixels_over_an_image},
                    {"halves of a batch", test_halves},
                    {"memory of others", test_strange_memory},
                    {"closing up", test_closing_up},
                    {"not taken", test_not_taken},
                    {"slot under way", test_slot_under_way},
                    {"several threads", test_threads},
                    {"device lost", test_lost}});
}

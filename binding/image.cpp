#include "image.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "arguments.h"
#include "image/preprocess.h"
#include "promise_worker.h"
#include "specs.h"

namespace llm2clip::binding {
namespace {

std::vector<float> preprocess_pixels(const ImageView& image, const Preprocessing& preprocessing) {
  std::vector<float> pixels(size_t{3} * preprocessing.size * preprocessing.size);
  llm2clip::preprocess(image, preprocessing, pixels.data());
  return pixels;
}

Napi::Value to_array(Napi::Env env, const std::vector<float>& pixels) {
  auto array = Napi::Float32Array::New(env, pixels.size());
  std::ranges::copy(pixels, array.Data());
  return array;
}

}  // namespace

Napi::Value preprocess(const Napi::CallbackInfo& info) {
  const Preprocessing preprocessing = parse_preprocessing(read_object(info[1], "preprocessing"));
  const Napi::Object object = read_object(info[0], "image");
  const Napi::Value memory = object.Get("data");
  const ImageView image = parse_image(object, memory);
  // Read from the array itself, because its owner may replace it in the object later.
  const auto data =
      std::make_shared<Napi::ObjectReference>(Napi::Persistent(memory.As<Napi::Object>()));
  return PromiseWorker<std::vector<float>>::run(
      info.Env(), [image, preprocessing] { return preprocess_pixels(image, preprocessing); },
      [data](Napi::Env env, std::vector<float>&& pixels) { return to_array(env, pixels); },
      Threads::kShort);
}

}  // namespace llm2clip::binding

#include "specs.h"

#include <map>

#include "base/error.h"
#include "typed_array.h"

namespace llm2clip::binding {
namespace {

std::string text(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::String>().Utf8Value();
}

int64_t integer(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::Number>().Int64Value();
}

Clock::duration milliseconds(const Napi::Object& object, const char* key) {
  const std::chrono::duration<double, std::milli> duration(
      object.Get(key).As<Napi::Number>().DoubleValue());
  return std::chrono::duration_cast<Clock::duration>(duration);
}

Napi::Object child(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::Object>();
}

std::vector<int64_t> integers(const Napi::Object& object, const char* key) {
  const auto array = object.Get(key).As<Napi::Array>();
  std::vector<int64_t> values;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    values.push_back(array.Get(i).As<Napi::Number>().Int64Value());
  }
  return values;
}

// 89 for "8.9".
std::vector<int> capabilities(const Napi::Object& object) {
  std::vector<int> values;
  for (const int64_t each : integers(object, "computeCapabilities")) {
    values.push_back(static_cast<int>(each));
  }
  return values;
}

std::array<float, 3> three_floats(const Napi::Object& object, const char* key) {
  const auto array = object.Get(key).As<Napi::Array>();
  std::array<float, 3> values{};
  for (uint32_t i = 0; i < 3; ++i) values[i] = array.Get(i).As<Napi::Number>().FloatValue();
  return values;
}

Filter parse_filter(const std::string& name) {
  const std::map<std::string, Filter> filters{
      {"nearest", Filter::kNearest}, {"box", Filter::kBox},         {"bilinear", Filter::kBilinear},
      {"hamming", Filter::kHamming}, {"bicubic", Filter::kBicubic}, {"lanczos", Filter::kLanczos}};
  const auto found = filters.find(name);
  if (found != filters.end()) return found->second;
  throw Error(ErrorCode::kInvalidArg, "expected a filter of Pillow's, found " + name);
}

Precision parse_precision(const std::string& name) {
  if (name == "fp32") return Precision::kFp32;
  if (name == "bf16") return Precision::kBf16;
  if (name == "fp16") return Precision::kFp16;
  if (name == "int8") return Precision::kInt8;
  throw Error(ErrorCode::kInvalidArg,
              "expected fp32, bf16, fp16 or int8 for precision, found " + name);
}

OutputKind parse_output_kind(const std::string& name) {
  if (name == "embedding") return OutputKind::kEmbedding;
  if (name == "feature") return OutputKind::kFeature;
  throw Error(ErrorCode::kInvalidArg, "expected embedding or feature for output, found " + name);
}

double number(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::Number>().DoubleValue();
}

std::optional<RopeScaling> parse_rope_scaling(const Napi::Value& value) {
  if (value.IsNull()) return std::nullopt;
  const auto s = value.As<Napi::Object>();
  return RopeScaling{.factor = number(s, "factor"),
                     .low_freq_factor = number(s, "lowFreqFactor"),
                     .high_freq_factor = number(s, "highFreqFactor"),
                     .original_positions = number(s, "originalPositions")};
}

LlamaConfig parse_llama_config(const Napi::Object& c) {
  return {.vocabulary_size = integer(c, "vocabularySize"),
          .width = integer(c, "width"),
          .layers = integer(c, "layers"),
          .heads = integer(c, "heads"),
          .kv_heads = integer(c, "kvHeads"),
          .head_dim = integer(c, "headWidth"),
          .hidden = integer(c, "hidden"),
          .rms_norm_eps = number(c, "rmsNormEps"),
          .rope_theta = number(c, "ropeTheta"),
          .rope_scaling = parse_rope_scaling(c.Get("ropeScaling")),
          .max_tokens = integer(c, "maxTokens")};
}

AdapterConfig parse_adapter_config(const Napi::Object& c) {
  return {.width = integer(c, "width"),
          .hidden = integer(c, "hidden"),
          .layers = integer(c, "layers"),
          .embedding_dim = integer(c, "embeddingDim"),
          .normalizes_input = c.Get("normalizesInput").As<Napi::Boolean>().Value(),
          .layer_norm_eps = number(c, "layerNormEps")};
}

VisionConfig parse_vision_config(const Napi::Object& c) {
  return {.family = text(c, "family"),
          .image_size = integer(c, "imageSize"),
          .patch_size = integer(c, "patchSize"),
          .width = integer(c, "width"),
          .layers = integer(c, "layers"),
          .heads = integer(c, "heads"),
          .hidden = integer(c, "hidden"),
          .embedding_dim = integer(c, "embeddingDim"),
          .activation = text(c, "activation"),
          .layer_norm_eps = number(c, "layerNormEps"),
          .rope_grid = integer(c, "ropeGrid")};
}

TowerConfig parse_config(const Napi::Object& c) {
  const std::string family = text(c, "family");
  if (family == "llama") return parse_llama_config(c);
  if (family == "adapter") return parse_adapter_config(c);
  return parse_vision_config(c);
}

FileTensorLayout parse_tensor(const Napi::Object& entry) {
  return {.name = text(entry, "name"),
          .dtype = parse_dtype(text(entry, "dtype")),
          .shape = integers(entry, "shape"),
          .strides = integers(entry, "strides"),
          .offset = static_cast<uint64_t>(integer(entry, "offset"))};
}

// What an engine reads, by the network that it is built of.
Input input_of(const VisionConfig& config) { return images_of(config.image_size); }
Input input_of(const LlamaConfig& config) { return texts_of(config.max_tokens); }
Input input_of(const AdapterConfig& config) { return features_of(config.width); }

// One part of a session, which takes such inputs.
PartOptions parse_part(const Napi::Object& session, const Napi::Object& part, const Input& input) {
  return {.session = {.path = text(part, "file"),
                      .device = text(session, "device"),
                      .threads = static_cast<int>(integer(session, "threads")),
                      .input = input,
                      .max_batch = integer(part, "maxBatch"),
                      .compute_capabilities = capabilities(session),
                      .cache = text(part, "cache")},
          .dim = integer(part, "dim")};
}

// What goes through an engine file on the CPU without a session.
SessionOptions parse_run_options(const Napi::Object& spec, const Input& input) {
  return {.path = text(spec, "file"),
          .device = "cpu",
          .threads = static_cast<int>(integer(spec, "threads")),
          .input = input};
}

std::vector<float> floats(const Napi::Value& array) {
  if (array.IsNull()) return {};
  const std::span<const float> values = elements<float>(array, "numbers");
  return {values.begin(), values.end()};
}

std::map<std::string, LayerQuantisation> parse_quantisation(const Napi::Array& layers) {
  std::map<std::string, LayerQuantisation> parsed;
  for (uint32_t i = 0; i < layers.Length(); ++i) {
    const auto layer = layers.Get(i).As<Napi::Object>();
    parsed[text(layer, "name")] = {layer.Get("quantised").As<Napi::Boolean>().Value(),
                                   floats(layer.Get("smoothing"))};
  }
  return parsed;
}

// Whether a picture of this size has so many bytes. Edges may be any that JavaScript can state.
bool holds_picture(size_t bytes, const ImageView& view) {
  const auto [data, width, height, channels] = view;
  if (width < 1 || height < 1 || (channels != 1 && channels != 3 && channels != 4)) return false;
  const size_t rest = bytes / static_cast<size_t>(channels);
  const auto w = static_cast<size_t>(width);
  return bytes % static_cast<size_t>(channels) == 0 && rest % w == 0 &&
         rest / w == static_cast<size_t>(height);
}

}  // namespace

BuildSpec parse_build_spec(const Napi::Object& spec) {
  BuildSpec parsed{
      .config = parse_config(child(spec, "config")),
      .weights = {},
      .options = {.precision = parse_precision(text(spec, "precision")),
                  .input = images_of(0),
                  .portable = spec.Get("portable").As<Napi::Boolean>().Value(),
                  .observe = spec.Get("observe").As<Napi::Boolean>().Value(),
                  .quantisation = parse_quantisation(spec.Get("quantisation").As<Napi::Array>()),
                  .max_batch = integer(spec, "maxBatch"),
                  .compute_capabilities = capabilities(spec),
                  .cache = text(spec, "cache")},
      .output = text(spec, "output")};
  parsed.options.input = std::visit([](const auto& one) { return input_of(one); }, parsed.config);
  const auto weights = spec.Get("weights").As<Napi::Array>();
  for (uint32_t i = 0; i < weights.Length(); ++i) {
    const auto weight = weights.Get(i).As<Napi::Object>();
    const auto entry = child(weight, "entry");
    parsed.weights.push_back({text(weight, "name"), {text(entry, "file"), parse_tensor(entry)}});
  }
  return parsed;
}

Preprocessing parse_preprocessing(const Napi::Object& spec) {
  Preprocessing parsed{.size = static_cast<int>(integer(spec, "size")),
                       .mean = three_floats(spec, "mean"),
                       .std = three_floats(spec, "std"),
                       .filter = parse_filter(text(spec, "resample"))};
  if (spec.Has("rescale")) parsed.rescale = spec.Get("rescale").As<Napi::Number>().DoubleValue();
  if (spec.Has("resize")) parsed.resize = static_cast<int>(integer(spec, "resize"));
  parsed.squash = spec.Has("squash") && spec.Get("squash").As<Napi::Boolean>().Value();
  if (spec.Has("crop") && text(spec, "crop") == "half-even") parsed.crop = CropStart::kHalfEven;
  return parsed;
}

ImageView parse_image(const Napi::Object& image) {
  const Napi::Value value = image.Get("data");
  const std::span<const uint8_t> data = elements<uint8_t>(value, "image.data");
  const ImageView view{.data = data.data(),
                       .width = integer(image, "width"),
                       .height = integer(image, "height"),
                       .channels = static_cast<int>(integer(image, "channels"))};
  if (holds_picture(data.size(), view)) return view;
  refuse_buffer(value.Env(), "width × height × channels bytes", "image.data",
                std::to_string(data.size()));
}

SessionSpec parse_session_spec(const Napi::Object& spec) {
  SessionSpec parsed{.key = text(spec, "key"),
                     .parts = {},
                     .scheduler = {.max_queue = static_cast<size_t>(integer(spec, "maxQueue")),
                                   .max_delay = milliseconds(spec, "maxDelayMs")},
                     .preprocessing = std::nullopt};
  if (spec.Get("vision").IsObject()) {
    const auto part = child(spec, "vision");
    parsed.preprocessing = parse_preprocessing(child(part, "preprocessing"));
    parsed.parts.vision = parse_part(spec, part, images_of(parsed.preprocessing->size));
  }
  if (spec.Get("llm").IsObject()) {
    const auto part = child(spec, "llm");
    parsed.parts.llm = parse_part(spec, part, texts_of(integer(part, "maxTokens")));
    parsed.scheduler.max_weight = static_cast<size_t>(integer(part, "maxTokensPerBatch"));
  }
  if (spec.Get("adapter").IsObject()) {
    const auto part = child(spec, "adapter");
    parsed.parts.adapter = parse_part(spec, part, features_of(integer(part, "width")));
  }
  return parsed;
}

Images FileRun::images() const {
  const int64_t one = options.input.numbers();
  return {pixels.data(), static_cast<int64_t>(pixels.size()) / one, one};
}

BatchView FileRun::batch() const {
  if (options.input.kind == InputKind::kText) return texts.view();
  return images();
}

FileRun parse_images_run(const Napi::Object& spec) {
  FileRun run{parse_run_options(spec, images_of(integer(spec, "imageSize"))), {}, {}};
  const auto one = static_cast<size_t>(run.options.input.numbers());
  const std::span<const float> pixels = rows_of<float>(spec.Get("pixels"), one, "pixels");
  run.pixels.assign(pixels.begin(), pixels.end());
  return run;
}

FileRun parse_file_run(const Napi::Object& spec) {
  if (!spec.Has("texts")) return parse_images_run(spec);
  const int64_t most = integer(spec, "maxTokens");
  FileRun run{parse_run_options(spec, texts_of(most)), {}, {}};
  const auto texts = spec.Get("texts").As<Napi::Array>();
  for (uint32_t i = 0; i < texts.Length(); ++i) {
    const auto one = texts.Get(i).As<Napi::Object>();
    const std::span<const int32_t> ids = elements<int32_t>(one.Get("ids"), "ids");
    const int64_t pooled = integer(one, "pooled");
    check_text(ids, pooled, most);
    run.texts.add(ids, pooled);
  }
  return run;
}

std::vector<LayerSmoothing> parse_smoothings(const Napi::Array& layers) {
  std::vector<LayerSmoothing> parsed;
  for (uint32_t i = 0; i < layers.Length(); ++i) {
    const auto layer = layers.Get(i).As<Napi::Object>();
    parsed.push_back({text(layer, "name"), floats(layer.Get("smoothing"))});
  }
  return parsed;
}

LinearSpec parse_linear_spec(const Napi::Object& spec) {
  return {.rows = integer(spec, "rows"),
          .in = integer(spec, "in"),
          .out = integer(spec, "out"),
          .precision = parse_precision(text(spec, "precision")),
          .threads = static_cast<int>(integer(spec, "threads")),
          .seconds = spec.Get("seconds").As<Napi::Number>().DoubleValue()};
}

EncodeSpec parse_encode_spec(const Napi::Object& spec, Ticket ticket) {
  EncodeSpec parsed{.ticket = std::move(ticket),
                    .out = spec.Get("out"),
                    .delivery = {.normalize = spec.Get("normalize").As<Napi::Boolean>().Value(),
                                 .out_offset = static_cast<size_t>(integer(spec, "outOffset"))}};
  parsed.ticket.priority = static_cast<int>(integer(spec, "priority"));
  parsed.ticket.waits = spec.Get("waits").As<Napi::Boolean>().Value();
  parsed.ticket.borrowed = spec.Get("borrowed").As<Napi::Boolean>().Value();
  if (spec.Get("timeoutMs").IsNumber()) {
    parsed.ticket.deadline = Clock::now() + milliseconds(spec, "timeoutMs");
  }
  if (spec.Get("patches").IsObject()) {
    const auto patches = child(spec, "patches");
    parsed.delivery.vector = static_cast<size_t>(integer(patches, "width"));
    parsed.ticket.output.kind = OutputKind::kPatches;
    if (patches.Get("layer").IsNumber()) parsed.ticket.output.layer = integer(patches, "layer");
  } else if (spec.Get("output").IsString()) {
    parsed.ticket.output.kind = parse_output_kind(text(spec, "output"));
  }
  return parsed;
}

}  // namespace llm2clip::binding

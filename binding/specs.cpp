#include "specs.h"

#include <algorithm>
#include <limits>
#include <map>

#include "arguments.h"
#include "base/error.h"
#include "typed_array.h"

namespace llm2clip::binding {
namespace {

constexpr int64_t kMostBatch = 1 << 16;
constexpr int64_t kMostQueue = 1 << 30;
constexpr int64_t kMostTokens = 1 << 20;
constexpr int64_t kMostTokensPerBatch = int64_t{1} << 40;
// Largest width of a layer or of its output.
constexpr int64_t kMostWidth = 1 << 20;
constexpr int64_t kMostLayer = 1 << 20;
constexpr int64_t kMostCapability = 10'000;
// Largest time in an option, which is the longest that a JavaScript timer can count.
constexpr double kMostMilliseconds = 2147483647;
constexpr int64_t kMostPriority = 1'000'000'000;
constexpr int64_t kMostResize = 1 << 20;
// Beyond this number, doubles skip integers.
constexpr int64_t kMostWhole = (int64_t{1} << 53) - 1;
constexpr double kMostNumber = std::numeric_limits<float>::max();

int64_t width(const Napi::Object& object, const char* key) {
  return integer(object, key, 1, kMostWidth);
}

int threads(const Napi::Object& object) { return read_threads(object.Get("threads")); }

int64_t max_tokens(const Napi::Object& object) {
  return integer(object, "maxTokens", 1, kMostTokens);
}

Clock::duration milliseconds(const Napi::Value& value, const char* name) {
  const std::chrono::duration<double, std::milli> duration(
      read_number(value, name, 0, kMostMilliseconds));
  return std::chrono::duration_cast<Clock::duration>(duration);
}

std::vector<int64_t> whole_numbers(const Napi::Object& object, const char* key, int64_t most) {
  return read_all(list(object, key),
                  [&](const Napi::Value& value) { return read_integer(value, key, 0, most); });
}

// 89 for "8.9".
std::vector<int> capabilities(const Napi::Object& object) {
  const auto values = whole_numbers(object, "computeCapabilities", kMostCapability);
  return {values.begin(), values.end()};
}

std::array<float, 3> three_floats(const Napi::Object& object, const char* key, double least) {
  const Napi::Array array = list(object, key);
  std::array<float, 3> values{};
  for (uint32_t i = 0; i < values.size(); ++i) {
    values.at(i) = static_cast<float>(read_number(array.Get(i), key, least, kMostNumber));
  }
  return values;
}

Filter parse_filter(const Napi::Object& object) {
  return one_of<Filter>(object, "resample",
                        {{"nearest", Filter::kNearest},
                         {"box", Filter::kBox},
                         {"bilinear", Filter::kBilinear},
                         {"hamming", Filter::kHamming},
                         {"bicubic", Filter::kBicubic},
                         {"lanczos", Filter::kLanczos}});
}

Precision parse_precision(const Napi::Object& object) {
  return one_of<Precision>(object, "precision",
                           {{"fp32", Precision::kFp32},
                            {"bf16", Precision::kBf16},
                            {"fp16", Precision::kFp16},
                            {"int8", Precision::kInt8}});
}

double positive(const Napi::Object& object, const char* key) {
  return number(object, key, std::numeric_limits<double>::min(), kMostNumber);
}

double epsilon(const Napi::Object& object, const char* key) { return number(object, key, 0, 1); }

std::optional<RopeScaling> parse_rope_scaling(const Napi::Object& config) {
  if (config.Get("ropeScaling").IsNull()) return std::nullopt;
  const Napi::Object s = child(config, "ropeScaling");
  return RopeScaling{.factor = positive(s, "factor"),
                     .low_freq_factor = positive(s, "lowFreqFactor"),
                     .high_freq_factor = positive(s, "highFreqFactor"),
                     .original_positions = positive(s, "originalPositions")};
}

LlamaConfig parse_llama_config(const Napi::Object& c) {
  LlamaConfig parsed{.vocabulary_size = integer(c, "vocabularySize", 1, 1 << 24),
                     .width = width(c, "width"),
                     .layers = width(c, "layers"),
                     .heads = width(c, "heads"),
                     .kv_heads = width(c, "kvHeads"),
                     .head_dim = width(c, "headDim"),
                     .hidden = width(c, "hidden"),
                     .rms_norm_eps = epsilon(c, "rmsNormEps"),
                     .rope_theta = positive(c, "ropeTheta"),
                     .rope_scaling = parse_rope_scaling(c),
                     .max_tokens = max_tokens(c)};
  if (parsed.heads % parsed.kv_heads == 0) return parsed;
  refuse_argument("a divisor of " + std::to_string(parsed.heads), "kvHeads", c.Get("kvHeads"));
}

AdapterConfig parse_adapter_config(const Napi::Object& c) {
  return {.width = width(c, "width"),
          .hidden = width(c, "hidden"),
          .layers = integer(c, "layers", 0, kMostWidth),
          .embedding_dim = width(c, "embeddingDim"),
          .normalizes_input = boolean(c, "normalizesInput"),
          .layer_norm_eps = epsilon(c, "layerNormEps")};
}

VisionConfig parse_vision_config(const Napi::Object& c) {
  const int64_t image_size = integer(c, "imageSize", 1, kMostEdge);
  const int64_t all = integer(c, "width", 2, kMostWidth);
  return {.family = string(c, "family"),
          .image_size = image_size,
          .patch_size = integer(c, "patchSize", 1, image_size),
          .width = all,
          .layers = width(c, "layers"),
          .heads = integer(c, "heads", 1, all / 2),
          .hidden = width(c, "hidden"),
          .embedding_dim = width(c, "embeddingDim"),
          .activation = string(c, "activation"),
          .layer_norm_eps = epsilon(c, "layerNormEps"),
          .rope_grid = integer(c, "ropeGrid", 0, kMostEdge)};
}

TowerConfig parse_config(const Napi::Object& c) {
  const std::string family = string(c, "family");
  if (family == "llama") return parse_llama_config(c);
  if (family == "adapter") return parse_adapter_config(c);
  return parse_vision_config(c);
}

// Whether int64_t can represent the offset of every element from the first one.
bool is_countable(const Shape& shape, const std::vector<int64_t>& strides) {
  double elements = 1, furthest = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    elements *= static_cast<double>(shape[i]);
    furthest += static_cast<double>(shape[i]) * static_cast<double>(strides[i]);
  }
  return std::max(elements, furthest) <= static_cast<double>(kMostWhole / 8);
}

FileTensorLayout parse_tensor(const Napi::Object& entry) {
  FileTensorLayout parsed{.name = string(entry, "name"),
                          .dtype = parse_dtype(string(entry, "dtype")),
                          .shape = whole_numbers(entry, "shape", kMostWhole),
                          .strides = whole_numbers(entry, "strides", kMostWhole),
                          .offset = static_cast<uint64_t>(integer(entry, "offset", 0, kMostWhole))};
  if (parsed.strides.size() == parsed.shape.size() && is_countable(parsed.shape, parsed.strides)) {
    return parsed;
  }
  refuse_argument("a stride for each dimension of " + to_string(parsed.shape), "strides",
                  entry.Get("strides"));
}

// The input of an engine, by its network's configuration.
Input input_of(const VisionConfig& config) { return images_of(config.image_size); }
Input input_of(const LlamaConfig& config) { return texts_of(config.max_tokens); }
Input input_of(const AdapterConfig& config) { return features_of(config.width); }

// One part of a session, with its kind of input.
PartOptions parse_part(const Napi::Object& session, const Napi::Object& part, const Input& input) {
  PartOptions parsed{};
  SessionOptions& options = parsed.session;
  options.path = string(part, "file");
  options.device = string(session, "device");
  options.threads = threads(session);
  options.input = input;
  options.max_batch = integer(part, "maxBatch", 1, kMostBatch);
  options.compute_capabilities = capabilities(session);
  options.cache = string(part, "cache");
  parsed.dim = width(part, "dim");
  return parsed;
}

// The options for inputs that run through an engine file on the CPU without a session.
SessionOptions parse_run_options(const Napi::Object& spec, const Input& input) {
  SessionOptions options{};
  options.path = string(spec, "file");
  options.device = "cpu";
  options.threads = threads(spec);
  options.input = input;
  return options;
}

std::vector<float> floats(const Napi::Value& array) {
  if (array.IsNull()) return {};
  const std::span<const float> values = elements<float>(array, "numbers");
  return {values.begin(), values.end()};
}

std::map<std::string, LayerQuantisation> parse_quantisation(const Napi::Array& layers) {
  std::map<std::string, LayerQuantisation> parsed;
  for (uint32_t i = 0; i < layers.Length(); ++i) {
    const Napi::Object layer = read_object(layers.Get(i), "quantisation");
    const std::string name = string(layer, "name");
    parsed[name] = {boolean(layer, "quantised"), floats(layer.Get("smoothing"))};
  }
  return parsed;
}

// Whether an image of this size has `bytes` bytes. Width and height may be any integers that
// JavaScript can represent.
bool holds_image(size_t bytes, const ImageView& view) {
  const auto [data, width, height, channels] = view;
  if (width < 1 || height < 1 || (channels != 1 && channels != 3 && channels != 4)) return false;
  const size_t rest = bytes / static_cast<size_t>(channels);
  const auto w = static_cast<size_t>(width);
  return bytes % static_cast<size_t>(channels) == 0 && rest % w == 0 &&
         rest / w == static_cast<size_t>(height);
}

}  // namespace

// Reads that may throw are not inside nested initialisers: g++ 12 destroys the members of an inner
// initialiser twice if a later member of the outer one throws.
BuildSpec parse_build_spec(const Napi::Object& spec) {
  BuildSpec parsed{};
  parsed.config = parse_config(child(spec, "config"));
  parsed.weights = read_all(list(spec, "weights"), [](const Napi::Value& value) {
    const Napi::Object weight = read_object(value, "weights");
    const Napi::Object entry = child(weight, "entry");
    return std::pair(string(weight, "name"), std::pair(string(entry, "file"), parse_tensor(entry)));
  });
  BuildOptions& options = parsed.options;
  options.precision = parse_precision(spec);
  options.input = std::visit([](const auto& one) { return input_of(one); }, parsed.config);
  options.portable = boolean(spec, "portable");
  options.observe = boolean(spec, "observe");
  options.quantisation = parse_quantisation(list(spec, "quantisation"));
  options.max_batch = integer(spec, "maxBatch", 1, kMostBatch);
  options.compute_capabilities = capabilities(spec);
  options.cache = string(spec, "cache");
  parsed.output = string(spec, "output");
  return parsed;
}

Preprocessing parse_preprocessing(const Napi::Object& spec) {
  constexpr auto kLeastStd = static_cast<double>(std::numeric_limits<float>::min());
  const int64_t size = integer(spec, "size", 1, kMostEdge);
  Preprocessing parsed{.size = static_cast<int>(size),
                       .mean = three_floats(spec, "mean", -kMostNumber),
                       .std = three_floats(spec, "std", kLeastStd),
                       .filter = parse_filter(spec)};
  if (has(spec, "rescale")) parsed.rescale = number(spec, "rescale", -kMostNumber, kMostNumber);
  if (has(spec, "resize")) {
    parsed.resize = static_cast<int>(integer(spec, "resize", size, kMostResize));
  }
  if (has(spec, "squash")) parsed.squash = boolean(spec, "squash");
  if (has(spec, "crop")) {
    parsed.crop = one_of<CropStart>(
        spec, "crop", {{"floor", CropStart::kFloor}, {"half-even", CropStart::kHalfEven}});
  }
  return parsed;
}

ImageView parse_image(const Napi::Object& image, const Napi::Value& data) {
  ImageView view{.data = nullptr,
                 .width = integer(image, "width", 1, kMostWhole),
                 .height = integer(image, "height", 1, kMostWhole),
                 .channels = static_cast<int>(integer(image, "channels", 1, 4))};
  const std::span<const uint8_t> bytes = elements<uint8_t>(data, "image.data");
  view.data = bytes.data();
  if (holds_image(bytes.size(), view)) return view;
  refuse_buffer(data.Env(), "width × height × channels bytes", "image.data",
                std::to_string(bytes.size()));
}

SessionSpec parse_session_spec(const Napi::Object& spec) {
  SessionSpec parsed{};
  parsed.key = string(spec, "key");
  SchedulerOptions& scheduler = parsed.scheduler;
  scheduler.max_queue = static_cast<size_t>(integer(spec, "maxQueue", 1, kMostQueue));
  scheduler.max_delay = milliseconds(spec.Get("maxDelayMs"), "maxDelayMs");
  PipelineOptions& parts = parsed.parts;
  if (has(spec, "vision")) {
    const Napi::Object part = child(spec, "vision");
    parsed.preprocessing = parse_preprocessing(child(part, "preprocessing"));
    parts.vision = parse_part(spec, part, images_of(parsed.preprocessing->size));
  }
  if (has(spec, "llm")) {
    const Napi::Object part = child(spec, "llm");
    parts.llm = parse_part(spec, part, texts_of(max_tokens(part)));
    scheduler.max_weight =
        static_cast<size_t>(integer(part, "maxTokensPerBatch", 1, kMostTokensPerBatch));
  }
  if (has(spec, "adapter")) {
    const Napi::Object part = child(spec, "adapter");
    parts.adapter = parse_part(spec, part, features_of(width(part, "width")));
  }
  const bool is_text_side = parts.llm || parts.adapter;
  if (parts.vision.has_value() == is_text_side) {
    refuse_argument("a vision tower or a text side", "spec", spec);
  }
  if (parts.llm && parts.adapter && parts.llm->dim != parts.adapter->session.input.numbers()) {
    refuse_argument("features of one width", "spec", spec);
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
  FileRun run{};
  run.options = parse_run_options(spec, images_of(integer(spec, "imageSize", 1, kMostEdge)));
  const auto one = static_cast<size_t>(run.options.input.numbers());
  const std::span<const float> pixels = rows_of<float>(spec.Get("pixels"), one, "pixels");
  if (pixels.empty()) refuse_buffer(spec.Env(), "one input or more", "pixels", "none");
  run.pixels.assign(pixels.begin(), pixels.end());
  return run;
}

FileRun parse_file_run(const Napi::Object& spec) {
  if (!has(spec, "texts")) return parse_images_run(spec);
  const int64_t most = max_tokens(spec);
  FileRun run{};
  run.options = parse_run_options(spec, texts_of(most));
  const Napi::Array texts = list(spec, "texts");
  for (uint32_t i = 0; i < texts.Length(); ++i) {
    const Napi::Object one = read_object(texts.Get(i), "texts");
    const int64_t pooled = integer(one, "pooled", 1, most);
    const std::span<const int32_t> ids = elements<int32_t>(one.Get("ids"), "ids");
    check_text(ids, pooled, most);
    run.texts.add(ids, pooled);
  }
  if (run.texts.view().count() == 0) {
    refuse_argument("one text or more", "texts", spec.Get("texts"));
  }
  return run;
}

std::vector<LayerSmoothing> parse_smoothings(const Napi::Array& layers) {
  return read_all(layers, [](const Napi::Value& value) {
    const Napi::Object layer = read_object(value, "layers");
    std::string name = string(layer, "name");
    return LayerSmoothing{std::move(name), floats(layer.Get("smoothing"))};
  });
}

LinearSpec parse_linear_spec(const Napi::Object& spec) {
  return {.rows = width(spec, "rows"),
          .in = width(spec, "in"),
          .out = width(spec, "out"),
          .precision = parse_precision(spec),
          .threads = threads(spec),
          .seconds = number(spec, "seconds", 0, 3600)};
}

EncodeSpec parse_encode_spec(const Napi::Object& spec) {
  EncodeSpec parsed{};
  Ticket& ticket = parsed.ticket;
  ticket.priority = static_cast<int>(integer(spec, "priority", -kMostPriority, kMostPriority));
  ticket.waits = boolean(spec, "waits");
  ticket.borrowed = boolean(spec, "borrowed");
  if (const Napi::Value timeout = spec.Get("timeoutMs"); !timeout.IsUndefined()) {
    ticket.deadline = Clock::now() + milliseconds(timeout, "timeoutMs");
  }
  Delivery& delivery = parsed.delivery;
  if (const Napi::Value output = spec.Get("output"); output.IsObject()) {
    const auto patches = output.As<Napi::Object>();
    delivery.vector = static_cast<size_t>(integer(patches, "width", 1, kMostWidth));
    ticket.output.kind = OutputKind::kPatches;
    if (has(patches, "layer")) ticket.output.layer = integer(patches, "layer", 0, kMostLayer);
  } else if (!output.IsUndefined()) {
    ticket.output.kind = one_of<OutputKind>(
        output, "output",
        {{"embedding", OutputKind::kEmbedding}, {"feature", OutputKind::kFeature}});
  }
  delivery.normalize = boolean(spec, "normalize");
  delivery.out_offset = static_cast<size_t>(integer(spec, "outOffset", 0, kMostWhole));
  parsed.out = spec.Get("out");
  if (!parsed.out.IsUndefined()) elements<float>(parsed.out, "options.out");
  return parsed;
}

}  // namespace llm2clip::binding

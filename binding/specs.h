#pragma once

#include <napi.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file_tensor.h"
#include "engine/engine.h"
#include "image/preprocess.h"
#include "model/tower.h"
#include "serving/scheduler.h"

namespace llm2clip::binding {

// Plain JS objects as csrc's own types; lib/native.ts is the other side. lib has validated what a
// user gave; a value that is wrong here is a defect of lib's, and throws ERR_INVALID_ARG.

// Of an edge of what an engine reads, in pixels.
inline constexpr int64_t kMostEdge = 1 << 14;

struct BuildSpec {
  TowerConfig config;
  std::vector<std::pair<std::string, std::pair<std::string, FileTensorLayout>>> weights;
  BuildOptions options;
  std::string output;
};

struct SessionSpec {
  std::string key;  // sessions of one key are one
  SessionOptions options;
  SchedulerOptions scheduler;
  int64_t embedding_dim;
  std::optional<Preprocessing> preprocessing;  // of pictures
  bool are_texts;
};

// PicturesSpec or TextsSpec of lib/native.ts: what goes through an engine file without a session.
struct InputsSpec {
  SessionOptions options;
  std::vector<float> inputs;  // [count, one input], copied: JS keeps its own
  int64_t count;
};

struct EncodeSpec {
  Ticket ticket;  // without its client
  Napi::Value out;
  size_t out_offset;
  bool normalize;
};

BuildSpec parse_build_spec(const Napi::Object& spec);
SessionSpec parse_session_spec(const Napi::Object& spec);
InputsSpec parse_inputs_spec(const Napi::Object& spec);
std::vector<LayerSmoothing> parse_smoothings(const Napi::Array& layers);
LinearSpec parse_linear_spec(const Napi::Object& spec);
EncodeSpec parse_encode_spec(const Napi::Object& spec);
Preprocessing parse_preprocessing(const Napi::Object& spec);

// RawPixels, whose `data` is the second: a view of JS memory, which the caller keeps alive.
ImageView parse_image(const Napi::Object& image, const Napi::Value& data);

}  // namespace llm2clip::binding

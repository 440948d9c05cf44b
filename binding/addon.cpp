#include <napi.h>

#include "cuda_probe.h"
#include "decode_turns.h"
#include "delivery.h"
#include "engine.h"
#include "finish_queue.h"
#include "function.h"
#include "image.h"
#include "system.h"
#include "vectors.h"

namespace llm2clip::binding {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  FinishQueue::create(env);
  set_function(exports, "cpuFeatures", cpu_features);
  set_function(exports, "cpuIsa", cpu_isa);
  set_function(exports, "exchangeDirectories", exchange_directories);
  set_function(exports, "armExitGuard", arm_exit_guard);
  set_function(exports, "probeCuda", probe_cuda);
  set_function(exports, "takeDecodeTurn", take_decode_turn);
  set_function(exports, "giveDecodeTurn", give_decode_turn);
  set_function(exports, "preprocess", preprocess);
  set_function(exports, "deliver", deliver_array);
  set_function(exports, "openEngine", open_engine);
  set_function(exports, "cpuEngine", wrap_cpu_engine);
  set_function(exports, "createVectors", create_vectors);
  set_function(exports, "openVectors", open_vectors);
  set_function(exports, "similarity", similarity);
  return exports;
}

NODE_API_MODULE(llm2clip, init)

}  // namespace llm2clip::binding

#include "typed_array.h"

#include "base/error.h"
#include "js_error.h"

namespace llm2clip::binding {

void refuse_buffer(Napi::Env env, const std::string& expected, const char* name,
                   const std::string& found) {
  throw to_js_error(env, std::make_exception_ptr(
                             Error(ErrorCode::kInvalidBuffer,
                                   "expected " + expected + " for " + name + ", found " + found)));
}

}  // namespace llm2clip::binding

#pragma once

#include <napi.h>

namespace llm2clip::binding {

// Images are decoded on libuv's threads, which belong to the process. So all environments share the
// turns, and wait for each other's in order. An environment that ends returns its turns.

// takeDecodeTurn(most): returns undefined or, if `most` turns are taken, a promise of one
Napi::Value take_decode_turn(const Napi::CallbackInfo& info);

// giveDecodeTurn(): void
void give_decode_turn(const Napi::CallbackInfo& info);

}  // namespace llm2clip::binding

#pragma once

#include <napi.h>

namespace llm2clip::binding {

// Images are decoded on libuv's threads, which are the process's: all its environments share so
// many turns, and wait for each other's in order. An environment that ends gives back its turns.

// takeDecodeTurn(most): undefined, or where `most` are taken a promise that waits for one
Napi::Value take_decode_turn(const Napi::CallbackInfo& info);

// giveDecodeTurn(): void
void give_decode_turn(const Napi::CallbackInfo& info);

}  // namespace llm2clip::binding

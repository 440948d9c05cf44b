#pragma once

#include <napi.h>

#include "search/vector_rows.h"

namespace llm2clip::binding {

// search(queries, k, threads): { done: Promise<NativeHits>, cancel() }
Napi::Value search_off_thread(const Napi::CallbackInfo& info, const RowSnapshot& rows);

// rank(query, k, threads, scale): { done: Promise<NativeRanking>, cancel() }
Napi::Value rank_off_thread(const Napi::CallbackInfo& info, const RowSnapshot& rows);

}  // namespace llm2clip::binding

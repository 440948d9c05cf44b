#pragma once

#include <string>
#include <string_view>

namespace llm2clip {

// An unpredictable name beside `path`: "<path>.tmp-<16 hexadecimal digits>". Because nobody can
// predict it, another user who may write to the folder cannot place a link under that name. Callers
// must still create the file with O_EXCL and O_NOFOLLOW.
std::string temporary_name(const std::string& path);

// True when `name` is a temporary name for `target`. Both are file names without a folder.
bool is_temporary_name(std::string_view name, std::string_view target);

}  // namespace llm2clip

#pragma once

#include <string>
#include <string_view>

namespace llm2clip {

// A name beside `path` that nobody can foresee: "<path>.tmp-<16 hexadecimal digits>". Whoever may
// write to the folder cannot put a link there for a file to be opened through. Create it with
// O_EXCL and O_NOFOLLOW all the same.
std::string temporary_name(const std::string& path);

// Whether a file's name, without its folder, is one of those for `target`, a name without its
// folder.
bool is_temporary_name(std::string_view name, std::string_view target);

}  // namespace llm2clip

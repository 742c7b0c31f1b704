#pragma once

#include <span>
#include <string_view>

namespace souk {

// A file whose text was compiled into the program (souk_embed in cmake/SoukTargets.cmake).
struct EmbeddedFile {
  std::string_view name;  // without its folder
  std::string_view text;
};

}  // namespace souk

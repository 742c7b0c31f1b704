#include "json/schema.hpp"

namespace souk::json {

std::string component_name(std::string_view pretty_function) {
  // clang writes "... [T = souk::order::Order]".
  const auto start = pretty_function.rfind("T = ") + 4;
  std::string_view name = pretty_function.substr(start, pretty_function.rfind(']') - start);
  if (name.starts_with("souk::")) name.remove_prefix(6);
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i, 2) == "::") {
      result.push_back('.');
      ++i;
    } else {
      result.push_back(std::isalnum(static_cast<unsigned char>(name[i])) != 0 || name[i] == '_' ? name[i] : '_');
    }
  }
  return result;
}

}  // namespace souk::json

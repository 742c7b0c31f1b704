#include "postgres/params.hpp"

namespace souk::pg {

// Always quoted: then NULL, braces, commas and empty strings need no thought.
void Params::append_element(std::string& out, std::string_view element) {
  out.push_back('"');
  for (const char c : element) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace souk::pg

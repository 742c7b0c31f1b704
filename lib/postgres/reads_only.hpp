#pragma once

#include <string_view>

namespace souk::pg {

// Whether a statement surely changes nothing, so that losing its connection leaves no doubt. SELECT is taken for a read
// unless a word of it writes (also inside WITH); functions that write must not be called by a plain SELECT outside of
// a transaction.
bool reads_only(std::string_view sql);

}  // namespace souk::pg

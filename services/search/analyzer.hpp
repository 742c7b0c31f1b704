#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace souk::search {

// The specification's product_analyzer: standard tokenizer (Unicode word breaks), lowercase, asciifolding, English stop
// words, Snowball English. Text that is not UTF-8 is read as far as it is.
std::vector<std::string> analyze(std::string_view text);

// Lower case without accents, words kept as they are written: "Crème-brûlée" as {"creme", "brulee"}. For brands and
// suggestions.
std::vector<std::string> fold_words(std::string_view text);

// A part number as it is compared: letters and digits only, lower case: "006R-90321" as "006r90321".
std::string fold_code(std::string_view text);

}  // namespace souk::search

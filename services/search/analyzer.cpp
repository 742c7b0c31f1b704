#include "analyzer.hpp"

#include <libstemmer.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

namespace souk::search {
namespace {

// Lucene's English stop words.
constexpr std::array<std::string_view, 33> stop_words = {
    "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
    "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
    "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};

bool is_stop_word(std::string_view word) { return std::ranges::binary_search(stop_words, word); }

const icu::Normalizer2& decomposition() {
  UErrorCode error = U_ZERO_ERROR;
  const auto* normalizer = icu::Normalizer2::getNFKDInstance(error);
  if (U_FAILURE(error)) throw std::runtime_error("ICU has no NFKD data");
  return *normalizer;
}

// Letters that do not decompose, as asciifolding has them.
std::string_view fold_letter(UChar32 c) {
  switch (c) {
    case 0xdf: return "ss";
    case 0xe6: return "ae";
    case 0xf8: return "o";
    case 0x142: return "l";
    case 0x111:
    case 0xf0: return "d";
    case 0xfe: return "th";
    case 0x153: return "oe";
    case 0x131: return "i";
    default: return "";
  }
}

// Signs as spaces: compatibility decomposition would make letters of some, and "SmartFit™" must not become
// "smartfittm".
icu::UnicodeString without_signs(const icu::UnicodeString& text) {
  icu::UnicodeString plain;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const auto c = text.char32At(i);
    plain.append((U_MASK(u_charType(c)) & U_GC_S_MASK) != 0 ? static_cast<UChar32>(' ') : c);
  }
  return plain;
}

// Lower case, accents gone.
icu::UnicodeString fold(std::string_view text) {
  const auto source =
      without_signs(icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size()))));
  UErrorCode error = U_ZERO_ERROR;
  auto decomposed = decomposition().normalize(source, error);
  icu::UnicodeString folded;
  for (int32_t i = 0; i < decomposed.length(); i = decomposed.moveIndex32(i, 1)) {
    const auto c = u_tolower(decomposed.char32At(i));
    if (u_charType(c) == U_NON_SPACING_MARK) continue;
    const auto replacement = fold_letter(c);
    if (replacement.empty()) {
      folded.append(c);
    } else {
      folded.append(
          icu::UnicodeString::fromUTF8(icu::StringPiece(replacement.data(), static_cast<int32_t>(replacement.size()))));
    }
  }
  return folded;
}

bool is_word_character(UChar32 c) { return u_isalnum(c) || c == '_' || u_charType(c) == U_COMBINING_SPACING_MARK; }

// Between two characters of a word, what does not end it (UAX #29: MidLetter, MidNum and MidNumLet).
bool joins(UChar32 before, UChar32 c, UChar32 after) {
  const bool letters = u_isalpha(before) && u_isalpha(after);
  const bool digits = u_isdigit(before) && u_isdigit(after);
  if (c == '\'' || c == '.' || c == 0x2019) return letters || digits;
  if (c == ',' || c == ';') return digits;
  return c == ':' && letters;
}

// Each ideograph is a word of its own, as the standard tokenizer has it.
bool stands_alone(UChar32 c) { return u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC); }

std::string to_utf8(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

std::vector<std::string> words_of(const icu::UnicodeString& text) {
  std::vector<std::string> words;
  icu::UnicodeString word;
  const auto end_word = [&] {
    if (!word.isEmpty()) words.push_back(to_utf8(word));
    word.remove();
  };
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const auto c = text.char32At(i);
    const auto next = text.moveIndex32(i, 1);
    if (stands_alone(c)) {
      end_word();
      word.append(c);
      end_word();
    } else if (is_word_character(c)) {
      word.append(c);
    } else if (!word.isEmpty() && next < text.length() &&
               joins(word.char32At(word.length() - 1), c, text.char32At(next))) {
      word.append(c == 0x2019 ? '\'' : c);
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// What fold() and words_of() make of it, without ICU: nearly all text of a catalogue is ASCII, and this is twenty times
// as fast.
std::vector<std::string> ascii_words(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto joins = [&](char before, char c, char after) {
    const bool letters = is_letter(before) && is_letter(after);
    const bool digits = is_digit(before) && is_digit(after);
    if (c == '\'' || c == '.') return letters || digits;
    if (c == ',' || c == ';') return digits;
    return c == ':' && letters;
  };
  std::vector<std::string> words;
  std::string word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_letter(c)) {
      word.push_back(static_cast<char>(c | 0x20));
    } else if (is_digit(c) || c == '_' ||
               (!word.empty() && i + 1 < text.size() && joins(word.back(), c, text[i + 1]))) {
      word.push_back(c);
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

std::vector<std::string> words_of(std::string_view text) {
  return is_ascii(text) ? ascii_words(text) : words_of(fold(text));
}

// A stemmer is not for several threads at once, so each has its own.
class Stemmer {
 public:
  Stemmer() : stemmer_(sb_stemmer_new("english", "UTF_8")) {
    if (stemmer_ == nullptr) throw std::runtime_error("libstemmer has no English");
  }
  std::string operator()(const std::string& word) {
    const auto* text = reinterpret_cast<const sb_symbol*>(word.data());
    const auto* stem = sb_stemmer_stem(stemmer_.get(), text, static_cast<int>(word.size()));
    return {reinterpret_cast<const char*>(stem), static_cast<std::size_t>(sb_stemmer_length(stemmer_.get()))};
  }

 private:
  struct Delete {
    void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
  };
  std::unique_ptr<sb_stemmer, Delete> stemmer_;
};

}  // namespace

std::vector<std::string> analyze(std::string_view text) {
  thread_local Stemmer stem;
  std::vector<std::string> terms;
  for (const auto& word : words_of(text)) {
    if (is_stop_word(word) || word.size() > 255) continue;
    terms.push_back(stem(word));
  }
  return terms;
}

std::vector<std::string> fold_words(std::string_view text) { return words_of(text); }

std::string fold_code(std::string_view text) {
  std::string code;
  for (const auto& word : words_of(text)) {
    for (const char c : word) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80) code.push_back(c);
    }
  }
  return code;
}

}  // namespace souk::search

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The demo catalogue: a shop of about 200 made-up products, the same each time.
namespace souk::demo {

enum class Shape {
  mug,
  pan,
  lamp,
  chair,
  shirt,
  shoe,
  bag,
  book,
  pot,
  headphones,
  speaker,
  ball,
  blanket,
  jar,
  box,
  tool
};

// A sort of product, of which some are generated.
struct Kind {
  std::string_view department;
  std::string_view subcategory;
  std::string_view noun;
  Shape shape;
  std::int64_t min_price;  // in hundredths
  std::int64_t max_price;
  enum class Options { none, colors, sizes_and_colors, shoe_sizes } options;
  std::string_view material;
  std::string_view sentence;  // what it is good for
  std::int64_t weight_g;
};

struct Color {
  std::string_view name;
  std::string_view hex;
};

std::vector<Kind> kinds();
std::vector<Color> colors();

// A product's id is "demo-<kind>-<number>"; its picture's file adds the colour: "demo-3-2-sage.svg".
struct PictureSubject {
  Kind kind;
  std::int64_t number;
  Color color;
};
std::optional<PictureSubject> subject_of(std::string_view file);

// One JSON document a line, as `souk import` reads them.
std::vector<std::string> product_lines();
std::vector<std::string> review_lines();

}  // namespace souk::demo

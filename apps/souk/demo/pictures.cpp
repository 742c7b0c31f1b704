#include "pictures.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace souk::demo {
namespace {

// `hex` made lighter (percent > 0) or darker (< 0).
std::string shade(std::string_view hex, int percent) {
  std::string out = "#";
  for (int i = 0; i < 3; ++i) {
    const auto part = std::string(hex.substr(static_cast<std::size_t>(1 + 2 * i), 2));
    const int value = static_cast<int>(std::strtol(part.c_str(), nullptr, 16));
    const int target = percent > 0 ? 255 : 0;
    out += fmt::format("{:02x}", value + (target - value) * std::abs(percent) / 100);
  }
  return out;
}

struct Paint {
  std::string main;
  std::string dark;
  std::string light;
};

// The outline of each shape, in a square of 800; {0} main colour, {1} dark, {2} light.
std::string_view outline(Shape shape) {
  switch (shape) {
    case Shape::mug:
      return R"svg(<path d="M560 330h50a90 90 0 0 1 0 180h-50" fill="none" stroke="{1}" stroke-width="34"/><path d="M240 270h330v250a80 80 0 0 1-80 80H320a80 80 0 0 1-80-80z" fill="{0}"/><ellipse cx="405" cy="270" rx="165" ry="34" fill="{1}"/><path d="M270 320v190" stroke="{2}" stroke-width="18" stroke-linecap="round"/>)svg";
    case Shape::pan:
      return R"svg(<rect x="520" y="385" width="240" height="34" rx="17" fill="{1}"/><circle cx="340" cy="400" r="220" fill="{1}"/><circle cx="340" cy="400" r="180" fill="{0}"/><path d="M220 330a140 140 0 0 1 110-70" stroke="{2}" stroke-width="16" fill="none" stroke-linecap="round"/>)svg";
    case Shape::lamp:
      return R"svg(<path d="M300 180h200l90 210H210z" fill="{0}"/><rect x="388" y="390" width="24" height="230" fill="{1}"/><ellipse cx="400" cy="630" rx="120" ry="26" fill="{1}"/><path d="M330 220l-50 130" stroke="{2}" stroke-width="16" stroke-linecap="round"/>)svg";
    case Shape::chair:
      return R"svg(<rect x="260" y="150" width="280" height="260" rx="40" fill="{0}"/><rect x="230" y="410" width="340" height="70" rx="30" fill="{1}"/><path d="M270 480l-30 180M530 480l30 180M360 480v150M440 480v150" stroke="{1}" stroke-width="24" stroke-linecap="round"/><path d="M300 190v170" stroke="{2}" stroke-width="16" stroke-linecap="round"/>)svg";
    case Shape::shirt:
      return R"svg(<path d="M300 190l100 50 100-50 150 90-60 110-60-30v290H270V360l-60 30-60-110z" fill="{0}"/><path d="M300 190l100 50 100-50" fill="none" stroke="{1}" stroke-width="20"/><path d="M310 400v210" stroke="{2}" stroke-width="14" stroke-linecap="round"/>)svg";
    case Shape::shoe:
      return R"svg(<path d="M160 350q60 60 140 10l60-40q60 110 200 130 90 14 100 90H160z" fill="{0}"/><rect x="150" y="540" width="520" height="50" rx="25" fill="{1}"/><path d="M370 370l-50 40M410 410l-50 40M460 440l-40 40" stroke="{2}" stroke-width="14" stroke-linecap="round"/>)svg";
    case Shape::bag:
      return R"svg(<path d="M310 290v-50a90 90 0 0 1 180 0v50" fill="none" stroke="{1}" stroke-width="28"/><rect x="210" y="280" width="380" height="360" rx="50" fill="{0}"/><rect x="270" y="440" width="260" height="150" rx="24" fill="{1}"/><path d="M250 330v220" stroke="{2}" stroke-width="14" stroke-linecap="round"/>)svg";
    case Shape::book:
      return R"svg(<rect x="240" y="160" width="330" height="480" rx="18" fill="{0}"/><rect x="240" y="160" width="54" height="480" rx="18" fill="{1}"/><rect x="340" y="250" width="180" height="24" rx="12" fill="{2}"/><rect x="340" y="300" width="120" height="18" rx="9" fill="{2}"/>)svg";
    case Shape::pot:
      return R"svg(<path d="M400 380q-110-60-90-200 110 40 90 200zm0 0q110-60 90-200-110 40-90 200z" fill="#6f9460"/><path d="M260 380h280l-40 260H300z" fill="{0}"/><rect x="240" y="360" width="320" height="60" rx="14" fill="{1}"/><path d="M310 450l16 140" stroke="{2}" stroke-width="14" stroke-linecap="round"/>)svg";
    case Shape::headphones:
      return R"svg(<path d="M210 460v-40a190 190 0 0 1 380 0v40" fill="none" stroke="{1}" stroke-width="34"/><rect x="170" y="430" width="100" height="190" rx="44" fill="{0}"/><rect x="530" y="430" width="100" height="190" rx="44" fill="{0}"/><path d="M200 480v90M560 480v90" stroke="{2}" stroke-width="12" stroke-linecap="round"/>)svg";
    case Shape::speaker:
      return R"svg(<rect x="260" y="150" width="280" height="500" rx="50" fill="{0}"/><circle cx="400" cy="490" r="100" fill="{1}"/><circle cx="400" cy="490" r="40" fill="{2}"/><circle cx="400" cy="270" r="56" fill="{1}"/>)svg";
    case Shape::ball:
      return R"svg(<circle cx="400" cy="400" r="220" fill="{0}"/><path d="M180 400h440M400 180v440M250 240q150 160 0 320M550 240q-150 160 0 320" fill="none" stroke="{1}" stroke-width="14"/><path d="M290 260a180 180 0 0 1 70-40" stroke="{2}" stroke-width="16" fill="none" stroke-linecap="round"/>)svg";
    case Shape::blanket:
      return R"svg(<path d="M200 260q200-60 400 0v300q-200 60-400 0z" fill="{0}"/><path d="M200 340q200-60 400 0M200 420q200-60 400 0M200 500q200-60 400 0" fill="none" stroke="{1}" stroke-width="16"/><path d="M230 280v250" stroke="{2}" stroke-width="12"/>)svg";
    case Shape::jar:
      return R"svg(<rect x="290" y="180" width="220" height="70" rx="20" fill="{1}"/><path d="M270 260h260q40 40 40 100v200a70 70 0 0 1-70 70H300a70 70 0 0 1-70-70V360q0-60 40-100z" fill="{0}"/><rect x="290" y="400" width="220" height="130" rx="14" fill="{2}"/>)svg";
    case Shape::box:
      return R"svg(<rect x="210" y="330" width="380" height="300" rx="16" fill="{0}"/><rect x="190" y="270" width="420" height="90" rx="16" fill="{1}"/><rect x="370" y="270" width="60" height="360" fill="{2}"/><path d="M400 270q-120-110-60-120 50 0 60 120 10-120 60-120 60 10-60 120z" fill="{2}"/>)svg";
    case Shape::tool:
      return R"svg(<g transform="rotate(35 400 400)"><path d="M370 120q120 120 60 300h-60z" fill="#b9c0c6"/><rect x="360" y="410" width="80" height="250" rx="36" fill="{0}"/><path d="M385 450v160" stroke="{2}" stroke-width="12" stroke-linecap="round"/><rect x="356" y="400" width="88" height="30" rx="10" fill="{1}"/></g>)svg";
  }
  return "";
}

Task<http::Response> picture(http::Request request) {
  const auto subject = subject_of(request.parameter("file"));
  if (!subject) {
    co_return http::problem(
        Error{.kind = ErrorKind::not_found, .code = "media.not_found", .detail = "There is no such picture."},
        request.context.request_id());
  }
  http::Response response{.content_type = "image/svg+xml", .body = draw(*subject)};
  response.with_header("Cache-Control", "public, max-age=86400");
  co_return response;
}

}  // namespace

std::string draw(const PictureSubject& subject) {
  const auto& hex = subject.color.hex;
  const Paint paint{std::string(hex), shade(hex, -30), shade(hex, 45)};
  const auto shapes = fmt::format(fmt::runtime(outline(subject.kind.shape)), paint.main, paint.dark, paint.light);
  // Products of one kind stand a little differently, so that a page of them does not look stamped.
  const auto lean = static_cast<int>(subject.number * 7 % 9) - 4;
  return fmt::format(
      R"svg(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800" role="img"><defs><radialGradient id="b" cx="50%" cy="40%" r="75%"><stop offset="0" stop-color="#ffffff"/><stop offset="1" stop-color="{}"/></radialGradient></defs><rect width="800" height="800" fill="url(#b)"/><ellipse cx="400" cy="670" rx="240" ry="30" fill="#000000" opacity="0.08"/><g transform="rotate({} 400 400)">{}</g></svg>)svg",
      shade(hex, 70), lean, shapes);
}

void add_media_routes(http::Router& router) {
  router.add_raw(http::Method::GET, "/media/demo/{file}",
                 {.operation_id = "get_demo_picture", .summary = "A picture of the demo catalogue", .tag = "Media"},
                 [](http::Request request) { return picture(std::move(request)); });
}

}  // namespace souk::demo

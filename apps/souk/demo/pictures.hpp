#pragma once

#include <string>

#include "catalogue.hpp"
#include "http/router.hpp"

namespace souk::demo {

// A product's picture as SVG, 800 × 800, drawn from its kind, number and colour.
std::string draw(const PictureSubject& subject);

// GET /media/demo/{file}: pictures are drawn when asked for; nothing is stored.
void add_media_routes(http::Router& router);

}  // namespace souk::demo

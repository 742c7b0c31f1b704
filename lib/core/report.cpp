#include "core/report.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace souk {
namespace {

std::function<void(std::string_view, std::string_view)>& reporter() {
  static std::function<void(std::string_view, std::string_view)> function;
  return function;
}

}  // namespace

std::string describe(const std::exception_ptr& exception) {
  if (!exception) return "no exception";
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown exception";
  }
}

void report_exception(std::string_view where, const std::exception_ptr& exception) {
  const auto what = describe(exception);
  if (reporter()) {
    reporter()(where, what);
  } else {
    fmt::print(stderr, "{}: {}\n", where, what);
  }
}

void set_exception_reporter(std::function<void(std::string_view, std::string_view)> function) {
  reporter() = std::move(function);
}

}  // namespace souk

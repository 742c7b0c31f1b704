#pragma once

#include <exception>
#include <functional>
#include <string>
#include <string_view>

namespace souk {

// What an exception says, for the log.
std::string describe(const std::exception_ptr& exception);

// Where exceptions go that no caller can be told of. The log by default installed by telemetry; stderr before that.
void report_exception(std::string_view where, const std::exception_ptr& exception);
void set_exception_reporter(std::function<void(std::string_view where, std::string_view what)> reporter);

}  // namespace souk

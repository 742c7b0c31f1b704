#include "gateway/admission.hpp"

namespace souk::gateway {
namespace {

metrics::Counter& refused(const std::string& priority) {
  return metrics::counter("souk_gateway_overloaded_total", "Requests refused because too many were running.",
                          {{"priority", priority}});
}

}  // namespace

Admission::Admission(Limits limits)
    : normal_{.limit = limits.normal, .refused = refused("normal")},
      checkout_{.limit = limits.checkout, .refused = refused("checkout")} {}

std::optional<Admission::Ticket> Admission::enter(http::Priority priority) {
  auto& wanted = priority == http::Priority::checkout ? checkout_ : normal_;
  if (wanted.running.fetch_add(1, std::memory_order_relaxed) < wanted.limit) return Ticket(wanted.running);
  wanted.running.fetch_sub(1, std::memory_order_relaxed);
  wanted.refused.add();
  return std::nullopt;
}

}  // namespace souk::gateway

#include "core/context.hpp"

#include <algorithm>
#include <utility>

namespace souk {

std::string Caller::to_string() const {
  switch (kind) {
    case Kind::anonymous: return "guest";
    case Kind::customer: return "customer:" + user_id.value_or(Uuid{}).to_string();
    case Kind::admin: return "admin:" + user_id.value_or(Uuid{}).to_string();
    case Kind::service: return "service:" + name;
  }
  std::unreachable();
}

Context::Context() : shared_(std::make_shared<Shared>()) {}

Context::Context(std::string request_id, std::string traceparent, Caller caller, Deadline deadline)
    : shared_(std::make_shared<Shared>(std::move(request_id), std::move(traceparent), std::move(caller))),
      deadline_(deadline) {}

Context Context::background(std::string name, Duration limit) {
  return Context(Uuid::v7().to_string(), "", Caller{.kind = Caller::Kind::service, .name = std::move(name)},
                 Clock::now() + limit);
}

Context Context::limited(Duration limit) const {
  Context copy = *this;
  copy.deadline_ = std::min(deadline_, Clock::now() + limit);
  return copy;
}

Context Context::extended(Duration limit) const {
  Context copy = *this;
  copy.deadline_ = std::max(deadline_, Clock::now() + limit);
  return copy;
}

Context Context::with_caller(Caller caller) const {
  return Context(shared_->request_id, shared_->traceparent, std::move(caller), deadline_);
}

Context Context::as_service(std::string name) const {
  return with_caller(Caller{.kind = Caller::Kind::service, .name = std::move(name)});
}

}  // namespace souk

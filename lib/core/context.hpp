#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/task.hpp"
#include "core/uuid.hpp"

namespace souk {

// Who asks. The gateway decides it from the session; a service believes it.
struct Caller {
  enum class Kind { anonymous, customer, admin, service };

  Kind kind = Kind::anonymous;
  std::optional<Uuid> user_id{};  // customer and admin
  std::string email{};            // customer and admin
  std::string session_id{};       // the session's public id, not its token
  std::string name{};             // service: which one

  bool is_admin() const { return kind == Kind::admin; }
  bool is_customer() const { return kind == Kind::customer || kind == Kind::admin; }
  // How the caller is written into `created_by` columns: "admin:<uuid>", "customer:<uuid>", "service:order", "guest".
  std::string to_string() const;
};

// What every call carries: who asks, for which request, and until when. Cheap to copy.
class Context {
 public:
  Context();
  Context(std::string request_id, std::string traceparent, Caller caller, Deadline deadline);

  // For work that no request started: sweepers, consumers, recovery. `name` is the service's.
  static Context background(std::string name, Duration limit);

  const std::string& request_id() const { return shared_->request_id; }
  const std::string& traceparent() const { return shared_->traceparent; }  // W3C Trace Context; may be empty
  const Caller& caller() const { return shared_->caller; }
  Deadline deadline() const { return deadline_; }
  Duration time_left() const { return deadline_ - Clock::now(); }
  bool expired() const { return time_left() <= Duration::zero(); }

  // The same request with at most `limit` from now; never later than this one's deadline.
  Context limited(Duration limit) const;
  // The same request with `limit` from now even past this one's deadline: for what must not be left half done.
  Context extended(Duration limit) const;
  Context with_caller(Caller caller) const;
  // The same request, asked in the name of a service (trusted by the service that is called).
  Context as_service(std::string name) const;

 private:
  struct Shared {
    std::string request_id;
    std::string traceparent;
    Caller caller;
  };

  std::shared_ptr<const Shared> shared_;
  Deadline deadline_ = Deadline::max();
};

}  // namespace souk

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/task_group.hpp"
#include "events/outbox.hpp"
#include "login_repository.hpp"
#include "passwords.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"
#include "session/api.hpp"
#include "settings.hpp"
#include "user/api.hpp"

namespace souk::user {

struct Options {
  PasswordCost password_cost{};
  bool limit_loopback = settings::login_limit_loopback.get();
};

class Service final : public Api {
 public:
  Service(pg::Pool& pool, session::Api& sessions, Options options = {});

  // Housekeeping: deletes expired tokens and old events.
  void start(TaskGroup& group);

  Task<Result<Registered>> register_user(Context context, Register request) override;
  Task<Result<Tokens>> login(Context context, Login request) override;
  Task<Result<Tokens>> refresh(Context context, Refresh request) override;
  Task<Result<Done>> logout(Context context, Logout request) override;
  Task<Result<User>> get_user(Context context, UserRef request) override;
  Task<Result<User>> patch_user(Context context, PatchUser request) override;
  Task<Result<User>> create_user(Context context, CreateUser request) override;
  Task<Result<Addresses>> list_addresses(Context context, UserRef request) override;
  Task<Result<Address>> get_address(Context context, AddressRef request) override;
  Task<Result<Address>> add_address(Context context, AddAddress request) override;
  Task<Result<Address>> patch_address(Context context, PatchAddress request) override;
  Task<Result<Done>> delete_address(Context context, AddressRef request) override;
  Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) override;

 private:
  // What a login is counted by when it fails.
  struct Subjects {
    std::string account;
    std::string address;  // empty: not counted
  };
  Subjects subjects_of(const Login& request) const;

  Task<> keep_house(TaskGroup& group);

  // Counts the failure, and says which of the two refusals it is.
  Task<Error> refuse_login(Context context, Subjects subjects);
  Task<Result<Tokens>> log_in(Context context, Login request, Account account, Subjects subjects);
  // The tokens of a login whose password was right; the session is there already.
  Task<Result<Tokens>> grant(Context context, Account account, Subjects subjects, ClientInfo client,
                             session::NewSession session, std::optional<std::string> new_hash);
  // Exchanges the token for its successor, under the family's lock; the session is there already.
  Task<Result<Tokens>> rotate(Context context, Refresh request, User user, session::NewSession session);
  Task<> revoke_reused(Context context, RefreshToken token);
  Task<session::NewSession> create_session(Context context, User user, ClientInfo client);
  // A session that was made for nothing: nobody has its token.
  Task<> drop_session(Context context, Uuid user_id, session::NewSession session);

  Task<> append_revocations(pg::Transaction& tx, const std::vector<LoginSession>& sessions);
  // After the commit: at once in this process. Redis may be gone, as the event has been written.
  Task<> end_sessions(Context context, std::vector<LoginSession> sessions);

  pg::Pool& pool_;
  session::Api& sessions_;
  Repository repository_;
  LoginRepository logins_;
  events::Outbox outbox_;
  Passwords passwords_;
  const bool limit_loopback_;
};

}  // namespace souk::user

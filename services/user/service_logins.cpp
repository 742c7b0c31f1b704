#include <algorithm>

#include "errors.hpp"
#include "rules.hpp"
#include "service.hpp"
#include "telemetry/log.hpp"

// Logins, refresh tokens and logouts. The session service is asked outside of transactions: a session is made before
// the rows that tell of it, and ended after them.
namespace souk::user {
namespace {

session::Role session_role(Role role) { return role == Role::admin ? session::Role::admin : session::Role::customer; }

Tokens tokens_of(session::NewSession session, std::string refresh_token, Timestamp refresh_expires_at, User user) {
  return {.access_token = std::move(session.token),
          .expires_at = session.expires_at,
          .refresh_token = std::move(refresh_token),
          .refresh_expires_at = refresh_expires_at,
          .user = std::move(user)};
}

}  // namespace

Service::Subjects Service::subjects_of(const Login& request) const {
  Subjects subjects{.account = rules::account_subject(request.email)};
  if (limit_loopback_ || !rules::is_loopback(request.client.ip_address)) {
    subjects.address = rules::address_subject(request.client.ip_address);
  }
  return subjects;
}

Task<Result<Tokens>> Service::login(Context context, Login request) {
  auto subjects = subjects_of(request);
  const auto closed = co_await logins_.seconds_closed(context, subjects.account, subjects.address);
  if (closed > 0) co_return errors::too_many_attempts(static_cast<int>(closed));
  auto account = co_await repository_.find_account(context, request.email);
  // For an unknown e-mail the same work, so that the time tells nothing.
  const bool right = co_await passwords_.verify(request.password, account ? account->password_hash : std::string());
  if (!right || !account || account->user.status == UserStatus::deleted) {
    co_return std::unexpected(co_await refuse_login(context, std::move(subjects)));
  }
  if (account->user.status == UserStatus::suspended) co_return errors::suspended();
  co_return co_await log_in(context, std::move(request), *std::move(account), std::move(subjects));
}

Task<Error> Service::refuse_login(Context context, Subjects subjects) {
  auto tx = co_await pool_.begin(context);
  const auto failures = co_await logins_.add_account_failure(tx, subjects.account);
  if (const auto duration = rules::closed_after(failures); duration.count() > 0) {
    co_await logins_.close_account(tx, subjects.account, duration);
  }
  if (!subjects.address.empty()) co_await logins_.add_address_failure(tx, subjects.address);
  co_await tx.commit();
  // Closed meanwhile by others that tried at the same time: then nobody is told whether the password was right.
  if (failures == 0) {
    const auto closed = co_await logins_.seconds_closed(context, subjects.account, subjects.address);
    co_return errors::too_many_attempts(static_cast<int>(std::max<std::int64_t>(closed, 1))).error();
  }
  co_return errors::invalid_credentials().error();
}

Task<Result<Tokens>> Service::log_in(Context context, Login request, Account account, Subjects subjects) {
  std::optional<std::string> new_hash;
  if (passwords_.needs_rehash(account.password_hash)) new_hash = co_await passwords_.hash(std::move(request.password));
  auto session = co_await create_session(context, account.user, request.client);
  const auto user_id = account.user.id;
  auto tokens = co_await grant(context, std::move(account), std::move(subjects), std::move(request.client), session,
                               std::move(new_hash));
  if (!tokens) co_await drop_session(context, user_id, std::move(session));
  co_return tokens;
}

Task<Result<Tokens>> Service::grant(Context context, Account account, Subjects subjects, ClientInfo client,
                                    session::NewSession session, std::optional<std::string> new_hash) {
  auto tx = co_await pool_.begin(context);
  // Others may have failed while this one was hashed; a right password among many guesses must not come through.
  const auto closed = co_await logins_.seconds_closed(tx, subjects.account, subjects.address);
  if (closed > 0) co_return errors::too_many_attempts(static_cast<int>(closed));
  auto user = co_await repository_.note_login(tx, account);
  if (!user) co_return errors::invalid_credentials();
  if (new_hash) co_await repository_.save_password_hash(tx, user->id, *std::move(new_hash));
  co_await logins_.forget_failures(tx, subjects.account);
  auto refresh_token = rules::new_refresh_token();
  const auto family = Uuid::v7();
  const auto expires_at = co_await logins_.insert_token(tx, {.user_id = user->id,
                                                             .family = family,
                                                             .token_hash = rules::token_hash(refresh_token),
                                                             .client = std::move(client)});
  co_await logins_.insert_session(tx, {session.session_id, user->id, family});
  co_await tx.commit();
  co_return tokens_of(std::move(session), std::move(refresh_token), expires_at, *std::move(user));
}

Task<Result<Tokens>> Service::refresh(Context context, Refresh request) {
  if (!rules::well_formed_token(request.refresh_token)) co_return errors::invalid_refresh_token();
  const auto found = co_await logins_.find_token(context, rules::token_hash(request.refresh_token));
  if (!found) co_return errors::invalid_refresh_token();
  const auto state = rules::state_of(found->token.times(), found->now);
  if (state == rules::TokenState::reused) co_await revoke_reused(context, found->token);
  if (state == rules::TokenState::reused || state == rules::TokenState::over) {
    co_return errors::invalid_refresh_token();
  }
  auto user = co_await repository_.find_user(context, found->token.user_id);
  if (!user || user->status == UserStatus::deleted) co_return errors::invalid_refresh_token();
  if (user->status == UserStatus::suspended) co_return errors::suspended();
  const auto user_id = user->id;
  auto session = co_await create_session(context, *user, request.client);
  auto tokens = co_await rotate(context, std::move(request), *std::move(user), session);
  if (!tokens) co_await drop_session(context, user_id, std::move(session));
  co_return tokens;
}

Task<Result<Tokens>> Service::rotate(Context context, Refresh request, User user, session::NewSession session) {
  const auto hash = rules::token_hash(request.refresh_token);
  auto tx = co_await pool_.begin(context);
  auto found = co_await logins_.find_token(tx, hash);
  if (!found) co_return errors::invalid_refresh_token();
  co_await logins_.lock_family(tx, found->token.family);
  found = co_await logins_.find_token(tx, hash);
  if (!found) co_return errors::invalid_refresh_token();
  const auto& token = found->token;
  std::string successor;
  Timestamp expires_at;
  switch (rules::state_of(token.times(), found->now)) {
    case rules::TokenState::fresh:
      successor = rules::new_refresh_token();
      expires_at = co_await logins_.insert_token(tx, {.user_id = user.id,
                                                      .family = token.family,
                                                      .parent_id = token.id,
                                                      .token_hash = rules::token_hash(successor),
                                                      .client = std::move(request.client)});
      co_await logins_.mark_used(tx, token.id, rules::seal_successor(request.refresh_token, successor));
      break;
    case rules::TokenState::just_used: {
      successor = rules::unseal_successor(request.refresh_token, token.successor_sealed.value_or("")).value_or("");
      const auto made = co_await logins_.find_token(tx, rules::token_hash(successor));
      if (!made) co_return errors::invalid_refresh_token();
      expires_at = made->token.expires_at;
      break;
    }
    // Used or ended since it was looked at: the next attempt finds that out.
    case rules::TokenState::reused:
    case rules::TokenState::over: co_return errors::invalid_refresh_token();
  }
  co_await logins_.insert_session(tx, {session.session_id, user.id, token.family});
  co_await tx.commit();
  co_return tokens_of(std::move(session), std::move(successor), expires_at, std::move(user));
}

// Two have the same token, and one of them has stolen it: the whole login ends.
Task<> Service::revoke_reused(Context context, RefreshToken token) {
  auto tx = co_await pool_.begin(context);
  auto sessions = co_await logins_.revoke_family(tx, token.family);
  co_await append_revocations(tx, sessions);
  co_await tx.commit();
  outbox_.committed();
  log::warning(context, "a refresh token was used again; its login is ended", log::kv("user_id", token.user_id));
  co_await end_sessions(context, std::move(sessions));
}

Task<Result<Done>> Service::logout(Context context, Logout request) {
  const auto& caller = context.caller();
  auto tx = co_await pool_.begin(context);
  std::vector<Uuid> families;
  std::vector<LoginSession> sessions;
  if (caller.user_id && !caller.session_id.empty()) {
    if (const auto family = co_await logins_.find_family(tx, caller.session_id, *caller.user_id)) {
      families.push_back(*family);
    } else {
      sessions.push_back({.session_id = caller.session_id, .user_id = *caller.user_id});
    }
  }
  if (request.refresh_token && rules::well_formed_token(*request.refresh_token)) {
    const auto found = co_await logins_.find_token(tx, rules::token_hash(*request.refresh_token));
    if (found) families.push_back(found->token.family);
  }
  std::ranges::sort(families);  // locked in one order
  families.erase(std::ranges::unique(families).begin(), families.end());
  for (const auto& family : families) {
    std::ranges::move(co_await logins_.revoke_family(tx, family), std::back_inserter(sessions));
  }
  co_await append_revocations(tx, sessions);
  co_await tx.commit();
  outbox_.committed();
  co_await end_sessions(context, std::move(sessions));
  co_return Done{};
}

Task<session::NewSession> Service::create_session(Context context, User user, ClientInfo client) {
  auto made = co_await sessions_.create_session(context, {.user_id = user.id,
                                                          .email = std::move(user.email),
                                                          .role = session_role(user.role),
                                                          .ip_address = std::move(client.ip_address),
                                                          .user_agent = std::move(client.user_agent)});
  if (!made) throw Unavailable("no session could be made: " + made.error().code);
  co_return *std::move(made);
}

Task<> Service::drop_session(Context context, Uuid user_id, session::NewSession session) {
  std::vector<LoginSession> sessions;
  sessions.push_back({.session_id = std::move(session.session_id), .user_id = user_id});
  co_await end_sessions(std::move(context), std::move(sessions));
}

Task<> Service::append_revocations(pg::Transaction& tx, const std::vector<LoginSession>& sessions) {
  for (const auto& session : sessions) {
    co_await outbox_.append(
        tx, "session.revoked", session.user_id.to_string(),
        SessionRevoked{.user_id = session.user_id, .session_id = session.session_id, .revoked_at = now()});
  }
}

Task<> Service::end_sessions(Context context, std::vector<LoginSession> sessions) {
  for (auto& session : sessions) {
    try {
      // What is not found has ended already.
      co_await sessions_.revoke_session(context,
                                        {.user_id = session.user_id, .session_id = std::move(session.session_id)});
    } catch (const Unavailable& e) {
      log::warning(context, "a session is ended by its event only", log::kv("why", std::string_view(e.what())));
    }
  }
}

}  // namespace souk::user

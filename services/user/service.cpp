#include "service.hpp"

#include "errors.hpp"
#include "http/message.hpp"
#include "rules.hpp"
#include "telemetry/log.hpp"

// Accounts and addresses; logins are in service_logins.cpp.
namespace souk::user {
namespace {

constexpr auto housekeeping_interval = std::chrono::hours(1);
constexpr auto housekeeping_limit = std::chrono::minutes(1);

template <class T>
bool matches(const std::optional<std::string>& if_match, const T& value) {
  return !if_match || http::lists_etag(*if_match, http::etag_of(json::write(value)));
}

UserRegistered registered(const User& user) {
  return {.user_id = user.id, .email = user.email, .first_name = user.first_name};
}

NewUser new_user(Register account, std::string password_hash, Role role) {
  return {.id = Uuid::v7(),
          .email = std::move(account.email),
          .password_hash = std::move(password_hash),
          .first_name = std::move(account.first_name),
          .last_name = std::move(account.last_name),
          .phone = std::move(account.phone),
          .role = role};
}

Address to_address(NewAddress from) {
  return {.id = Uuid::v7(),
          .address_type = from.address_type.value_or(AddressType::shipping),
          .is_default = from.is_default.value_or(false),
          .full_name = std::move(from.full_name),
          .phone = std::move(from.phone),
          .address_line1 = std::move(from.address_line1),
          .address_line2 = std::move(from.address_line2),
          .city = std::move(from.city),
          .state = from.state.value_or(""),
          .postal_code = from.postal_code.value_or(""),
          .country = std::move(from.country)};
}

void apply(Address& address, PatchedAddress changes) {
  const auto set = [](auto& field, auto& change) {
    if (change) field = *std::move(change);
  };
  set(address.address_type, changes.address_type);
  set(address.is_default, changes.is_default);
  set(address.full_name, changes.full_name);
  set(address.phone, changes.phone);
  set(address.address_line1, changes.address_line1);
  set(address.address_line2, changes.address_line2);
  set(address.city, changes.city);
  set(address.state, changes.state);
  set(address.postal_code, changes.postal_code);
  set(address.country, changes.country);
}

}  // namespace

Service::Service(pg::Pool& pool, session::Api& sessions, Options options)
    : pool_(pool),
      sessions_(sessions),
      repository_(pool),
      logins_(pool),
      outbox_(pool),
      passwords_(options.password_cost),
      limit_loopback_(options.limit_loopback) {}

void Service::start(TaskGroup& group) { group.spawn("user.housekeeping", keep_house(group)); }

Task<> Service::keep_house(TaskGroup& group) {
  do {
    try {
      const auto context = Context::background("user", housekeeping_limit);
      co_await logins_.prune(context);
      co_await outbox_.prune(context);
    } catch (const std::exception& e) {
      log::warning("user housekeeping failed and is tried again", log::kv("why", std::string_view(e.what())));
    }
  } while (co_await group.sleep(housekeeping_interval));
}

Task<Result<Registered>> Service::register_user(Context context, Register request) {
  SOUK_CO_CHECK(rules::check_registration(request));
  // Hashed for a known e-mail too: the time must not tell that it is known.
  auto hash = co_await passwords_.hash(request.password);
  const std::string email = request.email;
  auto tx = co_await pool_.begin(context);
  auto made = co_await repository_.insert_user(tx, new_user(std::move(request), std::move(hash), Role::customer));
  if (made) {
    co_await outbox_.append(tx, "user.registered", made->id.to_string(), registered(*made));
  } else if (const auto known = co_await repository_.find_user_by_email(tx, email);
             known && known->status == UserStatus::active) {
    co_await outbox_.append(tx, "registration.repeated", known->id.to_string(), registered(*known));
  }
  co_await tx.commit();
  outbox_.committed();
  co_return Registered{};
}

Task<Result<User>> Service::create_user(Context context, CreateUser request) {
  SOUK_CO_CHECK(rules::check_registration(request.account));
  auto hash = co_await passwords_.hash(request.account.password);
  auto tx = co_await pool_.begin(context);
  auto made = co_await repository_.insert_user(tx, new_user(std::move(request.account), std::move(hash), request.role));
  if (!made) co_return errors::email_taken();
  co_await outbox_.append(tx, "user.registered", made->id.to_string(), registered(*made));
  co_await tx.commit();
  outbox_.committed();
  co_return *std::move(made);
}

Task<Result<User>> Service::get_user(Context context, UserRef request) {
  if (!rules::may_act_for(context.caller(), request.user_id)) co_return errors::not_found();
  auto user = co_await repository_.find_user(context, request.user_id);
  if (!user) co_return errors::not_found();
  co_return *std::move(user);
}

Task<Result<User>> Service::patch_user(Context context, PatchUser request) {
  if (!rules::may_act_for(context.caller(), request.user_id)) co_return errors::not_found();
  SOUK_CO_CHECK(rules::check_patch(request));
  auto tx = co_await pool_.begin(context);
  const auto user = co_await repository_.lock_user(tx, request.user_id);
  if (!user || user->status == UserStatus::deleted) co_return errors::not_found();
  if (!matches(request.if_match, *user)) co_return errors::precondition_failed();
  auto changed = co_await repository_.update_user(tx, std::move(request));
  co_await tx.commit();
  co_return changed;
}

Task<Result<Addresses>> Service::list_addresses(Context context, UserRef request) {
  if (!rules::may_act_for(context.caller(), request.user_id)) co_return errors::not_found();
  co_return Addresses{.data = co_await repository_.list_addresses(context, request.user_id)};
}

Task<Result<Address>> Service::get_address(Context context, AddressRef request) {
  if (!rules::may_act_for(context.caller(), request.user_id)) co_return errors::address_not_found();
  auto address = co_await repository_.find_address(context, request.user_id, request.address_id);
  if (!address) co_return errors::address_not_found();
  co_return *std::move(address);
}

Task<Result<Address>> Service::add_address(Context context, AddAddress request) {
  if (!rules::may_act_for(context.caller(), request.user_id)) co_return errors::not_found();
  SOUK_CO_CHECK(rules::check_address(request.address));
  auto address = to_address(std::move(request.address));
  auto tx = co_await pool_.begin(context);
  if (!co_await repository_.lock_user(tx, request.user_id)) co_return errors::not_found();
  if (co_await repository_.count_addresses(tx, request.user_id) >= rules::max_addresses) {
    co_return errors::too_many_addresses();
  }
  if (address.is_default) {
    co_await repository_.clear_default(tx, request.user_id, address.address_type);
  } else {
    // The first of a type is its default.
    address.is_default = !co_await repository_.has_default(tx, request.user_id, address.address_type);
  }
  auto made = co_await repository_.insert_address(tx, request.user_id, std::move(address));
  co_await tx.commit();
  co_return made;
}

Task<Result<Address>> Service::patch_address(Context context, PatchAddress request) {
  const auto user_id = request.ref.user_id;
  if (!rules::may_act_for(context.caller(), user_id)) co_return errors::address_not_found();
  SOUK_CO_CHECK(rules::check_address(request.changes));
  auto tx = co_await pool_.begin(context);
  if (!co_await repository_.lock_user(tx, user_id)) co_return errors::address_not_found();
  auto address = co_await repository_.lock_address(tx, user_id, request.ref.address_id);
  if (!address) co_return errors::address_not_found();
  if (!matches(request.ref.if_match, *address)) co_return errors::precondition_failed();
  const auto type_before = address->address_type;
  const bool moves = request.changes.address_type && *request.changes.address_type != type_before;
  // Under another type it is the default only when the request says so.
  if (moves && !request.changes.is_default) address->is_default = false;
  apply(*address, std::move(request.changes));
  if (address->is_default) co_await repository_.clear_default(tx, user_id, address->address_type);
  co_await repository_.update_address(tx, *address);
  if (moves) {
    co_await repository_.promote_default(tx, user_id, type_before);
    co_await repository_.promote_default(tx, user_id, address->address_type);
  }
  auto changed = co_await repository_.lock_address(tx, user_id, address->id);
  co_await tx.commit();
  co_return changed.value();
}

Task<Result<Done>> Service::delete_address(Context context, AddressRef request) {
  if (!rules::may_act_for(context.caller(), request.user_id)) co_return errors::address_not_found();
  auto tx = co_await pool_.begin(context);
  if (!co_await repository_.lock_user(tx, request.user_id)) co_return errors::address_not_found();
  const auto address = co_await repository_.lock_address(tx, request.user_id, request.address_id);
  if (!address) co_return errors::address_not_found();
  if (!matches(request.if_match, *address)) co_return errors::precondition_failed();
  co_await repository_.delete_address(tx, address->id);
  co_await repository_.promote_default(tx, request.user_id, address->address_type);
  co_await tx.commit();
  co_return Done{};
}

Task<Result<events::EventPage>> Service::events(Context context, events::ReadEvents request) {
  co_return co_await outbox_.read(std::move(context), std::move(request));
}

}  // namespace souk::user

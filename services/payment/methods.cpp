#include "core/failpoint.hpp"
#include "errors.hpp"
#include "rules.hpp"
#include "service.hpp"

// The part of the service that keeps saved payment methods.
namespace souk::payment {

Task<Result<PaymentMethods>> Service::list_payment_methods(Context context, ListPaymentMethods request) {
  co_return PaymentMethods{.data = co_await methods_.list(std::move(context), request.user_id)};
}

Task<Result<PaymentMethod>> Service::add_payment_method(Context context, AddPaymentMethod request) {
  auto& [user_id, method] = request;
  SOUK_CO_CHECK(rules::check(method, now()));
  const std::string gateway = method.gateway ? std::string(*method.gateway) : gateways_.standard;
  if (!gateways_.by_name.contains(gateway)) co_return errors::method_unavailable();
  auto tx = co_await pool_.begin(std::move(context));
  co_await methods_.lock_user(tx, user_id);
  auto saved = co_await methods_.find_token(tx, user_id, gateway, method.token);
  bool wants_default = method.is_default.value_or(false);
  if (!saved) {
    const auto count = co_await methods_.count(tx, user_id);
    if (count >= rules::max_payment_methods) co_return errors::too_many_payment_methods();
    wants_default = wants_default || count == 0;
    saved = co_await methods_.insert(tx, user_id, gateway, std::move(method));
  }
  if (wants_default && !saved->is_default) saved = co_await methods_.make_default(tx, {user_id, saved->id});
  SOUK_FAILPOINT("payment.before_method_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("payment.after_method_commit");
  co_return *std::move(saved);
}

Task<Result<PaymentMethod>> Service::make_default_payment_method(Context context, PaymentMethodRef request) {
  auto tx = co_await pool_.begin(std::move(context));
  co_await methods_.lock_user(tx, request.user_id);
  auto method = co_await methods_.find(tx, request);
  if (!method) co_return errors::no_such_payment_method();
  if (method->is_default) co_return *std::move(method);
  method = co_await methods_.make_default(tx, request);
  co_await tx.commit();
  co_return *std::move(method);
}

Task<Result<Done>> Service::delete_payment_method(Context context, PaymentMethodRef request) {
  auto tx = co_await pool_.begin(std::move(context));
  co_await methods_.lock_user(tx, request.user_id);
  if (!co_await methods_.remove(tx, request)) co_return errors::no_such_payment_method();
  co_await tx.commit();
  co_return Done{};
}

}  // namespace souk::payment

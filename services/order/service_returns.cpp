#include "errors.hpp"
#include "service.hpp"

// The part of the service that takes goods back.
namespace souk::order {
namespace {

bool is_staff(const Context& context) {
  const auto& caller = context.caller();
  return caller.kind == Caller::Kind::admin || caller.kind == Caller::Kind::service;
}

}  // namespace

Task<Result<Return>> Service::request_return(Context context, RequestReturn request) {
  if (request.idempotency_key.empty() || request.idempotency_key.size() > 255) co_return errors::key_required();
  const auto may = [this, context, ref = request.order](const LockedOrder& order) {
    return may_see(context, order.user_id, ref);
  };
  co_return co_await returns_.request(context, std::move(request), may);
}

Task<Result<OrderReturns>> Service::list_order_returns(Context context, OrderRef request) {
  SOUK_CO_CHECK(co_await get_order(context, request));
  co_return OrderReturns{.data = co_await return_repository_.list_of_order(std::move(context), request.order_id)};
}

Task<Result<ReturnPage>> Service::list_returns(Context context, ListReturns request) {
  if (!is_staff(context)) co_return errors::return_not_found();
  std::optional<OrderCursor> cursor;
  if (request.cursor) {
    cursor = OrderCursor::parse(*request.cursor);
    if (!cursor) co_return errors::bad_cursor();
  }
  const std::int64_t limit = request.limit;
  ReturnPage page{.data = co_await return_repository_.list(std::move(context), request.status, cursor, limit + 1)};
  page.has_more = page.data.size() > static_cast<std::size_t>(limit);
  if (page.has_more) {
    page.data.pop_back();
    page.next_cursor = OrderCursor{page.data.back().created_at, page.data.back().id}.to_string();
  }
  co_return page;
}

Task<Result<Return>> Service::get_return(Context context, ReturnRef request) {
  if (!is_staff(context)) co_return errors::return_not_found();
  auto found = co_await return_repository_.find(std::move(context), request.return_id);
  if (!found) co_return errors::return_not_found();
  co_return *std::move(found);
}

Task<Result<Return>> Service::decide_return(Context context, DecideReturn request) {
  if (!is_staff(context)) co_return errors::return_not_found();
  co_return co_await returns_.decide(std::move(context), std::move(request));
}

Task<Result<Return>> Service::receive_return(Context context, ReceiveReturn request) {
  if (!is_staff(context)) co_return errors::return_not_found();
  SOUK_CO_TRY(auto received, co_await returns_.receive(std::move(context), std::move(request)));
  if (received.changed) recovery_.return_later();
  co_return std::move(received.returned);
}

}  // namespace souk::order

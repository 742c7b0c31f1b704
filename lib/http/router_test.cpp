#include "http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/blocking_pool.hpp"
#include "core/failure.hpp"
#include "core/runtime.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::http {

struct Item {
  json::Text<1, 50> product_id;
  json::Int<1, 999> quantity;
};
BOOST_DESCRIBE_STRUCT(Item, (), (product_id, quantity))

struct Filter {
  std::optional<json::Int<1, 100>> limit;
};
BOOST_DESCRIBE_STRUCT(Filter, (), (limit))

namespace {

using testing::HasSubstr;
using testing::Not;
using testing::Pair;

Task<Result<Item>> echo(Request, Item item, Filter) { co_return item; }
Task<Result<Item>> show(Request request, NoBody, Filter filter) {
  co_return Item{.product_id = request.parameter("id"), .quantity = filter.limit.value_or(7).value};
}
Task<Result<Item>> own(Request, NoBody, NoQuery) { co_return Item{.product_id = "mine"}; }
Task<Result<void>> nothing(Request, NoBody, NoQuery) { co_return Result<void>(); }
Task<Result<Item>> refused(Request, NoBody, NoQuery) {
  co_return refuse(ErrorKind::conflict, "order.already_shipped", "It is on its way.");
}
Task<Response> hello(Request) { co_return Response{.content_type = "text/plain", .body = "hello"}; }

template <class Exception>
Task<Result<Item>> thrown(Request, NoBody, NoQuery) {
  throw Exception("secret text");
  co_return Item{};
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router.add<Item, Filter, Item>(Method::POST, "/v1/items", {.operation_id = "add_item", .success_status = 201},
                                   echo);
    router.add<NoBody, Filter, Item>(Method::GET, "/v1/items/{id}", {.operation_id = "get_item", .conditional = true},
                                     show);
    router.add<NoBody, NoQuery, Item>(Method::GET, "/v1/items/me", {.operation_id = "get_own"}, own);
    router.add<NoBody, NoQuery, void>(Method::DELETE, "/v1/items/{id}", {.operation_id = "delete_item"}, nothing);
    router.add<NoBody, NoQuery, Item>(Method::POST, "/v1/refused", {.operation_id = "refused"}, refused);
    router.add<NoBody, NoQuery, Item>(Method::POST, "/v1/keyed", {.operation_id = "keyed", .idempotency_key = true},
                                      own);
    router.add<NoBody, NoQuery, Item>(Method::GET, "/v1/customer", {.access = Access::customer}, own);
    router.add<NoBody, NoQuery, Item>(Method::GET, "/v1/admin", {.access = Access::admin}, own);
    router.add<NoBody, NoQuery, Item>(Method::GET, "/v1/internal", {.access = Access::internal}, own);
    router.add<NoBody, NoQuery, Item>(Method::GET, "/v1/gone", {}, thrown<Unavailable>);
    router.add<NoBody, NoQuery, Item>(Method::GET, "/v1/full", {}, thrown<Overloaded>);
    router.add<NoBody, NoQuery, Item>(Method::GET, "/v1/unknown", {}, thrown<UnknownOutcome>);
    router.add<NoBody, NoQuery, Item>(Method::GET, "/v1/bug", {}, thrown<std::logic_error>);
    router.add_raw(Method::GET, "/hello", {.operation_id = "hello"}, hello);
  }

  Response ask(Method method, std::string target, std::string body = "", Headers headers = {},
               Caller::Kind caller = Caller::Kind::anonymous) {
    Request request;
    request.context = Context("r-1", "", Caller{.kind = caller}, Deadline::max());
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    request.target = std::move(target);
    if (const auto mark = request.target.find('='); mark != std::string::npos) {
      request.query.emplace_back("limit", request.target.substr(mark + 1));
    }
    request.headers = std::move(headers);
    if (!body.empty() && request.header("Content-Type").empty()) {
      request.headers.emplace_back("content-type", "application/json; charset=utf-8");
    }
    request.body = std::move(body);
    return runtime.block_on(router.handle(std::move(request)));
  }

  Runtime runtime{1};
  Router router;
};

std::string header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST_F(RouterTest, BodyIsDecodedAndTheReplyIsJson) {
  const auto response = ask(Method::POST, "/v1/items", R"({"product_id":"p1","quantity":2})");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, R"({"product_id":"p1","quantity":2})");
}

TEST_F(RouterTest, WrongFieldsAreNamed) {
  const auto response = ask(Method::POST, "/v1/items", R"({"product_id":"p1","quantity":0,"role":"admin"})");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_THAT(response.body, HasSubstr(R"("code":"request.invalid","request_id":"r-1")"));
  EXPECT_THAT(response.body, HasSubstr(R"("field":"quantity","code":"range")"));
  EXPECT_THAT(response.body, HasSubstr(R"("field":"role","code":"unknown")"));
}

TEST_F(RouterTest, BadBodiesAreRefused) {
  EXPECT_THAT(ask(Method::POST, "/v1/items", "{").body, HasSubstr("request.malformed"));
  EXPECT_THAT(ask(Method::POST, "/v1/items", "\"\xff\"").body, HasSubstr("request.malformed"));
  EXPECT_EQ(ask(Method::POST, "/v1/items", "{\"product_id\":\"\xff\",\"quantity\":1}").status, 400);
  EXPECT_EQ(ask(Method::POST, "/v1/items").status, 400);
  EXPECT_EQ(ask(Method::POST, "/v1/items", "{}", {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(ask(Method::POST, "/v1/items", std::string(64 * 1024 + 1, ' ')).status, 413);
  EXPECT_EQ(ask(Method::DELETE, "/v1/items/1", R"({"a":1})").status, 400);
}

TEST_F(RouterTest, LiteralBeatsParameterForItsOwnMethodsOnly) {
  EXPECT_THAT(ask(Method::GET, "/v1/items/me").body, HasSubstr("mine"));
  EXPECT_THAT(ask(Method::GET, "/v1/items/other").body, HasSubstr("other"));
  EXPECT_EQ(ask(Method::DELETE, "/v1/items/me").status, 204);
}

TEST_F(RouterTest, ParametersAreDecodedAfterTheSplit) {
  EXPECT_THAT(ask(Method::GET, "/v1/items/a%2Fb%20c").body, HasSubstr("a/b c"));
  EXPECT_THAT(ask(Method::GET, "/v1/it%65ms/x?limit=3").body, HasSubstr(R"("product_id":"x","quantity":3)"));
  EXPECT_EQ(ask(Method::GET, "/v1/items/x?limit=0").status, 400);
}

TEST_F(RouterTest, UnknownPathIs404AndWrongMethod405WithAllow) {
  EXPECT_EQ(ask(Method::GET, "/v1/nothing").status, 404);
  EXPECT_EQ(ask(Method::GET, "/v1/items/").status, 404);
  EXPECT_EQ(ask(Method::GET, "/v1//items").status, 404);
  EXPECT_EQ(ask(Method::GET, "").status, 404);
  const auto response = ask(Method::OTHER, "/v1/items/me");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(header(response, "Allow"), "GET, HEAD, DELETE");
}

TEST_F(RouterTest, AccessIsCheckedBeforeTheHandler) {
  EXPECT_EQ(ask(Method::GET, "/v1/customer").status, 401);
  EXPECT_EQ(ask(Method::GET, "/v1/customer", "", {}, Caller::Kind::customer).status, 200);
  const auto anonymous = ask(Method::GET, "/v1/admin");
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_EQ(header(anonymous, "WWW-Authenticate"), "Bearer");
  EXPECT_THAT(anonymous.body, HasSubstr("auth.required"));
  EXPECT_EQ(ask(Method::GET, "/v1/admin", "", {}, Caller::Kind::customer).status, 403);
  EXPECT_EQ(ask(Method::GET, "/v1/admin", "", {}, Caller::Kind::admin).status, 200);
  EXPECT_EQ(ask(Method::GET, "/v1/internal", "", {}, Caller::Kind::admin).status, 404);
  EXPECT_EQ(ask(Method::GET, "/v1/internal", "", {}, Caller::Kind::service).status, 200);
}

TEST_F(RouterTest, IdempotencyKeyIsRequiredAndBounded) {
  const auto with = [&](std::string key) {
    return ask(Method::POST, "/v1/keyed", "", {{"idempotency-key", key}}).status;
  };
  EXPECT_EQ(ask(Method::POST, "/v1/keyed").status, 400);
  EXPECT_EQ(with("k1"), 200);
  EXPECT_EQ(with(std::string(255, 'k')), 200);
  EXPECT_EQ(with(std::string(256, 'k')), 400);
  EXPECT_EQ(with("k\xc3\xa9"), 400);
}

TEST_F(RouterTest, RefusalOfTheHandlerIsAProblem) {
  const auto response = ask(Method::POST, "/v1/refused");
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.body, R"({"type":"urn:souk:problem:order.already_shipped","title":"Conflict","status":409,)"
                           R"("detail":"It is on its way.","code":"order.already_shipped","request_id":"r-1"})");
}

TEST_F(RouterTest, ExceptionsBecomeProblemsWithoutTheirText) {
  log::set_level(log::Level::error);
  const auto gone = ask(Method::GET, "/v1/gone");
  EXPECT_EQ(gone.status, 503);
  EXPECT_EQ(header(gone, "Retry-After"), "2");
  EXPECT_THAT(ask(Method::GET, "/v1/full").body, HasSubstr("\"overloaded\""));
  EXPECT_EQ(ask(Method::GET, "/v1/unknown").status, 504);
  const auto bug = ask(Method::GET, "/v1/bug");
  EXPECT_EQ(bug.status, 500);
  EXPECT_THAT(bug.body, Not(HasSubstr("secret")));
}

TEST_F(RouterTest, UnchangedObjectIs304) {
  const auto first = ask(Method::GET, "/v1/items/x");
  const auto etag = header(first, "ETag");
  EXPECT_EQ(etag.size(), 34);
  const auto same = ask(Method::GET, "/v1/items/x", "", {{"If-None-Match", "\"a\", W/" + etag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(header(same, "ETag"), etag);
  EXPECT_EQ(ask(Method::GET, "/v1/items/y", "", {{"If-None-Match", etag}}).status, 200);
}

TEST_F(RouterTest, RequestsAreCountedByRouteMethodAndStatus) {
  ask(Method::GET, "/hello");
  EXPECT_THAT(metrics::serialize(),
              HasSubstr("souk_http_requests_total{method=\"GET\",route=\"/hello\",status=\"200\"}"));
  EXPECT_THAT(metrics::serialize(), HasSubstr("souk_http_request_seconds_count{route=\"/hello\"}"));
}

TEST_F(RouterTest, RoutesThatCannotBeAreABug) {
  EXPECT_THROW(router.add_raw(Method::GET, "/hello", {}, hello), std::logic_error);
  EXPECT_THROW(router.add_raw(Method::GET, "hello", {}, hello), std::logic_error);
  EXPECT_THROW(router.add_raw(Method::GET, "/a{b}", {}, hello), std::logic_error);
}

TEST(Request, CookiesAndHeaders) {
  Request request;
  request.headers = {{"Cookie", "a=1; b=two"}, {"cookie", "c=3"}};
  EXPECT_EQ(request.cookie("b"), "two");
  EXPECT_EQ(request.cookie("c"), "3");
  EXPECT_EQ(request.cookie("d"), std::nullopt);
  EXPECT_THROW(request.parameter("id"), std::logic_error);
}

TEST(Message, IfMatchGuardsWrites) {
  Request request;
  EXPECT_TRUE(check_if_match(request, "\"a\""));
  request.headers = {{"If-Match", "\"b\""}};
  EXPECT_EQ(check_if_match(request, "\"a\"").error().kind, ErrorKind::precondition_failed);
  EXPECT_TRUE(check_if_match(request, "\"b\""));
}

}  // namespace
}  // namespace souk::http

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "http/router.hpp"

namespace souk::http {

struct NewThing {
  json::Text<1, 50> name;
};
BOOST_DESCRIBE_STRUCT(NewThing, (), (name))

struct Thing {
  Uuid id;
  json::Text<1, 50> name;
};
BOOST_DESCRIBE_STRUCT(Thing, (), (id, name))

struct Page {
  json::Int<1, 100> limit;
  std::optional<std::string> cursor;
};
BOOST_DESCRIBE_STRUCT(Page, (), (limit, cursor))

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Task<Result<Thing>> add_thing(Request, NewThing, NoQuery) { co_return Thing{}; }
Task<Result<std::vector<Thing>>> list_things(Request, NoBody, Page) { co_return std::vector<Thing>{}; }
Task<Result<Thing>> get_thing(Request, NoBody, NoQuery) { co_return Thing{}; }
Task<Result<void>> delete_thing(Request, NoBody, NoQuery) { co_return Result<void>(); }
Task<Response> picture(Request) { co_return Response{}; }

class OpenApi : public testing::Test {
 protected:
  OpenApi() {
    Router router;
    router.add<NewThing, NoQuery, Thing>(Method::POST, "/v1/things",
                                         {.operation_id = "add_thing",
                                          .summary = "Adds a \"thing\"",
                                          .tag = "Things",
                                          .access = Access::admin,
                                          .success_status = 201,
                                          .other_statuses = {202},
                                          .errors = {"thing.too_odd", "409 thing.exists"},
                                          .idempotency_key = true},
                                         add_thing);
    router.add<NoBody, Page, std::vector<Thing>>(Method::GET, "/v1/things", {.operation_id = "list_things"},
                                                 list_things);
    router.add<NoBody, NoQuery, Thing>(Method::GET, "/v1/things/{id}",
                                       {.operation_id = "get_thing", .conditional = true}, get_thing);
    router.add<NoBody, NoQuery, void>(Method::DELETE, "/v1/things/{id}", {.operation_id = "delete_thing"},
                                      delete_thing);
    router.add_raw(Method::GET, "/v1/things/{id}/picture",
                   {.operation_id = "get_picture", .media_type = "image/svg+xml"}, picture);
    router.add_raw(Method::GET, "/internal", {.access = Access::internal}, picture);
    text = router.openapi("1.2.3");
    if (parser.parse(text).get(document) != simdjson::SUCCESS) throw std::runtime_error("not JSON: " + text);
  }

  // The JSON at a pointer (RFC 6901), or "absent".
  std::string at(std::string_view pointer) const {
    simdjson::dom::element element;
    if (document.at_pointer(pointer).get(element) != simdjson::SUCCESS) return "absent";
    return simdjson::minify(element);
  }

  std::string text;
  simdjson::dom::parser parser;
  simdjson::dom::element document;
};

constexpr std::string_view add = "/paths/~1v1~1things/post";

TEST_F(OpenApi, DescribesAnOperation) {
  EXPECT_EQ(at("/openapi"), R"("3.1.0")");
  EXPECT_EQ(at("/info/version"), R"("1.2.3")");
  EXPECT_EQ(at(std::string(add) + "/operationId"), R"("add_thing")");
  EXPECT_EQ(at(std::string(add) + "/summary"), R"("Adds a \"thing\"")");
  EXPECT_EQ(at(std::string(add) + "/tags"), R"(["Things"])");
  EXPECT_EQ(at(std::string(add) + "/requestBody/content/application~1json/schema"),
            R"({"$ref":"#/components/schemas/http.NewThing"})");
  EXPECT_EQ(
      at("/components/schemas/http.NewThing"),
      R"({"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":50}},"required":["name"]})");
  EXPECT_EQ(at(std::string(add) + "/responses/201/content/application~1json/schema"),
            R"({"$ref":"#/components/schemas/http.Thing"})");
  EXPECT_NE(at(std::string(add) + "/responses/202"), "absent");
  EXPECT_EQ(at(std::string(add) + "/parameters/0/name"), R"("Idempotency-Key")");
  EXPECT_EQ(at(std::string(add) + "/security"), R"([{"bearer":[]},{"cookie":[]}])");
}

TEST_F(OpenApi, NamesTheCodesOfRefusals) {
  const auto codes = [this](std::string_view status) {
    return at(std::string(add) + "/responses/" + std::string(status) +
              "/content/application~1problem+json/schema/allOf/1/properties/code/enum");
  };
  EXPECT_EQ(codes("4XX"), R"(["thing.too_odd"])");
  EXPECT_EQ(codes("409"), R"(["thing.exists"])");
  EXPECT_EQ(codes("400"), R"(["idempotency.key_required","request.invalid","request.malformed"])");
  EXPECT_EQ(codes("401"), R"(["auth.invalid_token","auth.required"])");
  EXPECT_EQ(codes("503"), R"(["overloaded","unavailable"])");
  EXPECT_EQ(codes("413"), R"(["request.too_large"])");
}

TEST_F(OpenApi, ListsParametersOfPathAndQuery) {
  EXPECT_EQ(at("/paths/~1v1~1things/get/parameters"),
            R"([{"name":"limit","in":"query","required":true,"schema":{"type":"integer","minimum":1,"maximum":100}},)"
            R"({"name":"cursor","in":"query","schema":{"type":"string"}}])");
  EXPECT_EQ(at("/paths/~1v1~1things~1{id}/delete/parameters"),
            R"([{"name":"id","in":"path","required":true,"schema":{"type":"string","minLength":1}}])");
}

TEST_F(OpenApi, KnowsRepliesWithoutBodyAndOfOtherTypes) {
  EXPECT_EQ(at("/paths/~1v1~1things~1{id}/delete/responses/204"), R"({"description":"No Content"})");
  EXPECT_EQ(at("/paths/~1v1~1things~1{id}/delete/responses/200"), "absent");
  EXPECT_NE(at("/paths/~1v1~1things~1{id}/get/responses/304"), "absent");
  EXPECT_NE(at("/paths/~1v1~1things~1{id}/get/responses/200/headers/ETag"), "absent");
  EXPECT_NE(at("/paths/~1v1~1things~1{id}~1picture/get/responses/200/content/image~1svg+xml"), "absent");
}

TEST_F(OpenApi, HidesInternalRoutes) { EXPECT_THAT(text, Not(HasSubstr("/internal"))); }

}  // namespace
}  // namespace souk::http

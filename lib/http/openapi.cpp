#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "http/router.hpp"

// Router::openapi(): the document is written from the routes alone, so that it cannot differ from them.
namespace souk::http {
namespace {

std::string json_text(std::string_view text) {
  std::string out;
  json::write_string(out, text);
  return out;
}

// Joins what is not empty: members of an object or elements of an array.
class List {
 public:
  explicit List(std::string_view brackets) : close_(brackets[1]), text_(1, brackets[0]) {}
  void element(std::string_view json) {
    if (text_.size() > 1) text_.push_back(',');
    text_ += json;
  }
  void member(std::string_view name, std::string_view json) { element(json_text(name) + ":" + std::string(json)); }
  bool empty() const { return text_.size() == 1; }
  std::string text() const { return text_ + close_; }

 private:
  char close_;
  std::string text_;
};

constexpr std::string_view text_schema = R"({"type":"string"})";
constexpr std::string_view problem_type = "application/problem+json";

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::vector<std::string> parameter_names(std::string_view path) {
  std::vector<std::string> names;
  for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
    names.emplace_back(path.substr(open + 1, path.find('}', open) - open - 1));
  }
  return names;
}

std::string parameter(std::string_view where, std::string_view name, bool required, std::string_view schema,
                      std::string_view description = "") {
  List parameter("{}");
  parameter.member("name", json_text(name));
  parameter.member("in", json_text(where));
  if (required) parameter.member("required", "true");
  if (!description.empty()) parameter.member("description", json_text(description));
  parameter.member("schema", schema);
  return parameter.text();
}

std::string parameters_of(const Route& route, json::Schemas& schemas) {
  List parameters("[]");
  for (const auto& name : parameter_names(route.path)) {
    parameters.element(parameter("path", name, true, R"({"type":"string","minLength":1})"));
  }
  if (route.query_schema) {
    for (const auto& [name, schema] : route.query_schema(schemas)) {
      const bool required = std::ranges::find(route.required_query, name) != route.required_query.end();
      parameters.element(parameter("query", name, required, schema));
    }
  }
  if (route.info.idempotency_key) {
    parameters.element(parameter("header", "Idempotency-Key", true,
                                 R"({"type":"string","minLength":1,"maxLength":255,"pattern":"^[ -~]+$"})",
                                 "New for each attempt; a repeat with the same key gets the same reply."));
  }
  if (route.info.conditional && route.method == Method::GET) {
    parameters.element(parameter("header", "If-None-Match", false, text_schema, "An ETag of an earlier reply."));
  }
  return parameters.empty() ? "" : parameters.text();
}

std::string content(std::string_view media_type, std::string_view schema) {
  return "{" + json_text(media_type) + ":{\"schema\":" + std::string(schema) + "}}";
}

std::string header(std::string_view name, std::string_view description) {
  return json_text(name) + ":{\"description\":" + json_text(description) + ",\"schema\":" + std::string(text_schema) +
         "}";
}

std::string success_response(const Route& route, int status, const std::string& schema) {
  List response("{}");
  response.member("description", json_text(reason_of(status)));
  if (route.info.conditional && route.method == Method::GET) {
    response.member("headers", "{" + header("ETag", "For If-None-Match and If-Match.") + "}");
  }
  if (!route.reply_schema) {
    response.member("content", content(route.info.media_type, text_schema));
  } else if (!schema.empty() && status != 204) {
    response.member("content", content(route.info.media_type, schema));
  }
  return response.text();
}

// A refusal: the problem schema, and which codes it can have.
std::string problem_response(std::string_view description, const std::set<std::string>& codes,
                             std::string_view headers) {
  List response("{}");
  std::string text(description);
  if (!codes.empty()) {
    text += " Codes:";
    for (const auto& code : codes) text += " " + code;
  }
  response.member("description", json_text(text));
  if (!headers.empty()) response.member("headers", "{" + std::string(headers) + "}");
  std::string schema = R"({"$ref":"#/components/schemas/http.Problem"})";
  if (!codes.empty()) {
    List names("[]");
    for (const auto& code : codes) names.element(json_text(code));
    schema = R"({"allOf":[)" + schema + R"(,{"properties":{"code":{"enum":)" + names.text() + "}}}]}";
  }
  response.member("content", content(problem_type, schema));
  return response.text();
}

// Status (or "4XX" where only the code is known) -> codes, of the route itself and of what stands before it.
std::map<std::string, std::set<std::string>> refusals_of(const Route& route, bool has_body) {
  std::map<std::string, std::set<std::string>> refusals;
  for (const auto& entry : route.info.errors) {
    const bool has_status = entry.size() > 4 && entry[3] == ' ' && std::isdigit(static_cast<unsigned char>(entry[0]));
    refusals[has_status ? entry.substr(0, 3) : "4XX"].insert(has_status ? entry.substr(4) : entry);
  }
  refusals["400"].insert({"request.malformed", "request.invalid"});
  refusals["401"].insert("auth.invalid_token");
  if (route.info.access != Access::anyone) refusals["401"].insert("auth.required");
  if (route.info.access == Access::admin) refusals["403"].insert("auth.forbidden");
  if (route.method != Method::GET) refusals["403"].insert("auth.cross_origin");
  if (route.info.idempotency_key) refusals["400"].insert("idempotency.key_required");
  if (!parameter_names(route.path).empty()) refusals["404"];
  if (has_body) {
    refusals["413"].insert("request.too_large");
    refusals["415"].insert("request.unsupported_media_type");
  } else {
    refusals["400"].insert("request.unexpected_body");
  }
  refusals["429"].insert("rate_limited");
  refusals["500"].insert("internal");
  refusals["503"].insert({"overloaded", "unavailable"});
  refusals["504"].insert("timeout");
  return refusals;
}

std::string refusal_headers(const std::string& status) {
  if (status == "429" || status == "503") return header("Retry-After", "Seconds to wait.");
  if (status == "401") return header("WWW-Authenticate", "Bearer.");
  return "";
}

std::string description_of(const std::string& status) {
  return status == "4XX" ? "Refused." : std::string(reason_of(std::stoi(status))) + ".";
}

std::string responses_of(const Route& route, json::Schemas& schemas, bool has_body) {
  List responses("{}");
  const auto schema = route.reply_schema ? route.reply_schema(schemas) : std::string();
  // A reply without a body is sent as 204 whatever the route says.
  const bool empty_reply = route.reply_schema && schema.empty();
  std::set<int> statuses(route.info.other_statuses.begin(), route.info.other_statuses.end());
  statuses.insert(empty_reply ? 204 : route.info.success_status);
  if (route.info.conditional && route.method == Method::GET) statuses.insert(304);
  for (const int status : statuses) {
    const auto reply = status == 304 ? R"({"description":"Not Modified"})" : success_response(route, status, schema);
    responses.member(std::to_string(status), reply);
  }
  for (const auto& [status, codes] : refusals_of(route, has_body)) {
    responses.member(status, problem_response(description_of(status), codes, refusal_headers(status)));
  }
  return responses.text();
}

std::string security_of(Access access) {
  const std::string session = R"({"bearer":[]},{"cookie":[]})";
  return access == Access::anyone ? "[{}," + session + "]" : "[" + session + "]";
}

std::string operation(const Route& route, json::Schemas& schemas) {
  const auto body = route.request_schema ? route.request_schema(schemas) : std::string();
  List operation("{}");
  operation.member("operationId", json_text(route.info.operation_id));
  operation.member("summary", json_text(route.info.summary));
  if (!route.info.tag.empty()) operation.member("tags", "[" + json_text(route.info.tag) + "]");
  if (const auto parameters = parameters_of(route, schemas); !parameters.empty()) {
    operation.member("parameters", parameters);
  }
  if (!body.empty()) {
    operation.member("requestBody", R"({"required":true,"content":)" + content("application/json", body) + "}");
  }
  operation.member("responses", responses_of(route, schemas, !body.empty()));
  operation.member("security", security_of(route.info.access));
  return operation.text();
}

std::string components(const json::Schemas& schemas) {
  List collected("{}");
  for (const auto& [name, schema] : schemas.components()) collected.member(name, schema);
  return R"({"schemas":)" + collected.text() + R"(,"securitySchemes":{)" +
         R"("bearer":{"type":"http","scheme":"bearer","description":"The session token of a login."},)" +
         R"("cookie":{"type":"apiKey","in":"cookie","name":"__Host-souk_session",)" +
         R"("description":"For browsers; writes must come from the same origin."}}})";
}

}  // namespace

std::string Router::openapi(std::string_view version) const {
  json::Schemas schemas;
  schemas.of<Problem>();
  std::map<std::string, List> paths;
  std::set<std::string> tags;
  for (const auto& route : routes_) {
    if (route.info.access == Access::internal) continue;
    auto& path = paths.try_emplace(route.path, List("{}")).first->second;
    path.member(lower(json::enum_name(route.method)), operation(route, schemas));
    if (!route.info.tag.empty()) tags.insert(route.info.tag);
  }
  List path_members("{}");
  for (const auto& [path, operations] : paths) path_members.member(path, operations.text());
  List tag_list("[]");
  for (const auto& tag : tags) tag_list.element("{\"name\":" + json_text(tag) + "}");

  List document("{}");
  document.member("openapi", json_text("3.1.0"));
  document.member("info", R"({"title":"Souk","version":)" + json_text(version) +
                              R"(,"license":{"name":"Apache-2.0","identifier":"Apache-2.0"}})");
  document.member("servers", R"([{"url":"/"}])");
  document.member("tags", tag_list.text());
  document.member("paths", path_members.text());
  document.member("components", components(schemas));
  return document.text();
}

}  // namespace souk::http

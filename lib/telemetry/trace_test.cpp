#include "telemetry/trace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "telemetry/metrics.hpp"

namespace souk::trace {
namespace {

using testing::HasSubstr;

constexpr auto incoming = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr auto not_sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

Context with(std::string traceparent) { return {"r-1", std::move(traceparent), {}, Deadline::max()}; }

class TraceTest : public testing::Test {
 protected:
  void TearDown() override {
    stop();
    take(100'000);
  }
};

TEST_F(TraceTest, OffNothingIsRecordedAndTheContextStays) {
  auto context = with(incoming);
  {
    const auto request = Span::of_request(context, "GET", "/");
    const Span span(context, Kind::client, "redis", "GET");
    EXPECT_FALSE(request);
    EXPECT_FALSE(span);
  }
  EXPECT_EQ(context.traceparent(), incoming);
  EXPECT_TRUE(take(10).empty());
}

TEST_F(TraceTest, SpansNestUnderTheClientsTrace) {
  start({});
  auto context = with(incoming);
  {
    const auto request = Span::of_request(context, "GET", "/v1/products/{id}");
    const Span outer(context, Kind::internal, "checkout", "reserve");
    const Span inner(outer.context(context), Kind::client, "postgres", "find");
  }
  const auto spans = take(10);
  ASSERT_EQ(spans.size(), 3U);  // the innermost ends first
  EXPECT_EQ(spans[2].parent_id, "b7ad6b7169203331");
  EXPECT_EQ(spans[1].parent_id, spans[2].span_id);
  EXPECT_EQ(spans[0].parent_id, spans[1].span_id);
  EXPECT_EQ(spans[0].name, "postgres find");
  EXPECT_EQ(spans[2].name, "GET /v1/products/{id}");
  for (const auto& span : spans) {
    EXPECT_EQ(span.trace_id, "0af7651916cd43dd8448eb211c80319c");
    EXPECT_LE(span.start_ns, span.end_ns);
    EXPECT_EQ(span.span_id.size(), 16U);
  }
}

TEST_F(TraceTest, TheClientDecidesAboutItsOwnTrace) {
  start({.sampled_percent = 0});
  auto sampled = with(incoming);
  EXPECT_TRUE(Span::of_request(sampled, "GET", "/"));
  start({.sampled_percent = 100});
  auto unsampled = with(not_sampled);
  EXPECT_FALSE(Span::of_request(unsampled, "GET", "/"));
  EXPECT_EQ(unsampled.traceparent(), not_sampled);
}

TEST_F(TraceTest, ATraceThatBeginsHereIsSampledByShare) {
  start({.sampled_percent = 100});
  auto all = with("");
  {
    const auto span = Span::of_request(all, "GET", "/");
    EXPECT_TRUE(span);
  }
  EXPECT_TRUE(take(1).at(0).parent_id.empty());
  start({.sampled_percent = 0});
  auto none = with("");
  EXPECT_FALSE(Span::of_request(none, "GET", "/"));
  EXPECT_EQ(none.traceparent().size(), 55U) << "the log's lines have a trace all the same";
  EXPECT_TRUE(none.traceparent().ends_with("-00"));
}

TEST_F(TraceTest, AFullQueueDropsAndCounts) {
  start({.max_waiting = 2});
  const auto context = with(incoming);
  for (int i = 0; i < 5; ++i) const Span span(context, Kind::client, "x");
  EXPECT_EQ(take(10).size(), 2U);
  EXPECT_THAT(metrics::serialize(), HasSubstr("souk_trace_spans_dropped_total{reason=\"queue_full\"} 3\n"));
}

TEST_F(TraceTest, AnExceptionMakesASpanFail) {
  start({});
  const auto context = with(incoming);
  try {
    const Span span(context, Kind::client, "x");
    throw std::runtime_error("no");
  } catch (const std::exception&) {
  }
  EXPECT_TRUE(take(1).at(0).failed);
}

}  // namespace
}  // namespace souk::trace

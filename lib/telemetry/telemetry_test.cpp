#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/report.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Log : public testing::Test {
 protected:
  void SetUp() override {
    log::start();
    log::set_level(log::Level::info);
    testing::internal::CaptureStderr();
  }
  static std::string written() { return testing::internal::GetCapturedStderr(); }
};

TEST_F(Log, LineHasTheRequestsIdAndItsFields) {
  const Context context("r-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", {}, Deadline::max());
  log::info(context, "order \"confirmed\"", log::kv("order_id", 7), log::kv("paid", true));
  const auto line = written();
  EXPECT_THAT(line, StartsWith("{\"time\":\"20"));
  EXPECT_THAT(line, testing::EndsWith("\"level\":\"info\",\"msg\":\"order \\\"confirmed\\\"\",\"request_id\":\"r-1\","
                                      "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
                                      "\"span_id\":\"b7ad6b7169203331\",\"order_id\":7,\"paid\":true}\n"));
}

TEST_F(Log, LowerLevelsAreNotWritten) {
  log::debug(Context(), "hidden");
  log::warning("shown");
  EXPECT_THAT(written(), AllOf(HasSubstr("shown"), Not(HasSubstr("hidden"))));
}

TEST_F(Log, LineStaysUtf8AndOneLine) {
  log::error("bad \xff\nbytes {}");
  EXPECT_THAT(written(), HasSubstr("\"msg\":\"bad ?\\nbytes {}\"}\n"));
}

TEST_F(Log, ReportedExceptionsAreLogged) {
  report_exception("sweeper", std::make_exception_ptr(std::runtime_error("gone")));
  EXPECT_THAT(written(), HasSubstr("\"where\":\"sweeper\",\"what\":\"gone\""));
}

TEST(Metrics, SameNameAndLabelsAreOneMetric) {
  auto& first = metrics::counter("souk_test_total", "Tests.", {{"kind", "a"}});
  auto& second = metrics::counter("souk_test_total", "Tests.", {{"kind", "a"}});
  EXPECT_EQ(&first, &second);
  first.add();
  second.add(2);
  metrics::counter("souk_test_total", "Tests.", {{"kind", "b"}}).add();
  EXPECT_THAT(metrics::serialize(),
              AllOf(HasSubstr("souk_test_total{kind=\"a\"} 3\n"), HasSubstr("souk_test_total{kind=\"b\"} 1\n")));
}

TEST(Metrics, HistogramAndGaugeAreWritten) {
  metrics::histogram("souk_test_seconds", "Times.").observe(0.002);
  metrics::gauge("souk_test_lag", "Lag.").set(3);
  EXPECT_THAT(metrics::serialize(), AllOf(HasSubstr("souk_test_seconds_bucket{le=\"0.0025\"} 1"),
                                          HasSubstr("souk_test_seconds_count 1"), HasSubstr("souk_test_lag 3")));
}

}  // namespace
}  // namespace souk

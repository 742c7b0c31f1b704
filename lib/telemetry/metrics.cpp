#include "telemetry/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <unordered_map>

namespace souk::metrics {
namespace {

// Never destroyed: workers may count until the process ends.
prometheus::Registry& registry() {
  static auto* instance = new prometheus::Registry();
  return *instance;
}

// Our handle of each metric of the library, which gives the same one for the same name and labels.
template <class Handle, class Make>
Handle& handle_of(const void* metric, Make make) {
  static std::mutex mutex;
  static auto* handles = new std::unordered_map<const void*, std::unique_ptr<Handle>>();
  const std::lock_guard lock(mutex);
  auto& handle = (*handles)[metric];
  if (!handle) handle = make();
  return *handle;
}

struct Collectors {
  std::mutex mutex;
  std::list<std::function<void()>> all;
};
Collectors& collectors() {
  static auto* instance = new Collectors();
  return *instance;
}

const std::vector<double>& latency_bounds() {
  static const std::vector<double> bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                          0.1,    0.25,  0.5,    1,     2.5,  5,     10};
  return bounds;
}

}  // namespace

void Counter::add(double value) { static_cast<prometheus::Counter*>(metric_)->Increment(value); }

void Gauge::set(double value) { static_cast<prometheus::Gauge*>(metric_)->Set(value); }

void Gauge::add(double value) { static_cast<prometheus::Gauge*>(metric_)->Increment(value); }

void Histogram::observe(double value) { static_cast<prometheus::Histogram*>(metric_)->Observe(value); }

Counter& counter(const std::string& name, const std::string& help, const Labels& labels) {
  auto& metric = prometheus::BuildCounter().Name(name).Help(help).Register(registry()).Add(labels);
  return handle_of<Counter>(&metric, [&] {
    auto handle = std::make_unique<Counter>();
    handle->metric_ = &metric;
    return handle;
  });
}

Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels) {
  auto& metric = prometheus::BuildGauge().Name(name).Help(help).Register(registry()).Add(labels);
  return handle_of<Gauge>(&metric, [&] {
    auto handle = std::make_unique<Gauge>();
    handle->metric_ = &metric;
    return handle;
  });
}

Histogram& histogram(const std::string& name, const std::string& help, const Labels& labels,
                     const std::vector<double>& bounds) {
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(registry());
  auto& metric = family.Add(labels, bounds.empty() ? latency_bounds() : bounds);
  return handle_of<Histogram>(&metric, [&] {
    auto handle = std::make_unique<Histogram>();
    handle->metric_ = &metric;
    return handle;
  });
}

OnCollect::OnCollect(std::function<void()> publish) {
  auto& known = collectors();
  const std::lock_guard lock(known.mutex);
  place_ = known.all.insert(known.all.end(), std::move(publish));
}

OnCollect::~OnCollect() {
  auto& known = collectors();
  const std::lock_guard lock(known.mutex);
  known.all.erase(place_);
}

std::string serialize() {
  {
    auto& known = collectors();
    const std::lock_guard lock(known.mutex);
    for (const auto& publish : known.all) publish();
  }
  return prometheus::TextSerializer().Serialize(registry().Collect());
}

}  // namespace souk::metrics

#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

// Prometheus metrics. Look a metric up once (a static or a member), not per request.
namespace souk::metrics {

using Labels = std::map<std::string, std::string>;

class Counter {
 public:
  void add(double value = 1);

 private:
  friend Counter& counter(const std::string&, const std::string&, const Labels&);
  void* metric_ = nullptr;
};
class Gauge {
 public:
  void set(double value);
  void add(double value);

 private:
  friend Gauge& gauge(const std::string&, const std::string&, const Labels&);
  void* metric_ = nullptr;
};
class Histogram {
 public:
  void observe(double value);

 private:
  friend Histogram& histogram(const std::string&, const std::string&, const Labels&, const std::vector<double>&);
  void* metric_ = nullptr;
};

// The same name and labels give the same metric. Names start with souk_ and end in the unit (_seconds, _total).
Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
Histogram& histogram(const std::string& name, const std::string& help, const Labels& labels = {},
                     const std::vector<double>& bounds = {});  // default: latency in seconds, 0.5 ms to 10 s

// Runs `publish` before each serialize(), for as long as this lives: for values that are cheaper to read now and then
// than to follow at every change.
class OnCollect {
 public:
  explicit OnCollect(std::function<void()> publish);
  ~OnCollect();
  OnCollect(const OnCollect&) = delete;
  OnCollect& operator=(const OnCollect&) = delete;

 private:
  std::list<std::function<void()>>::iterator place_;
};

// All metrics in the text format of Prometheus.
std::string serialize();

}  // namespace souk::metrics

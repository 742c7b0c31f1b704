#include <fmt/format.h>

#include <cstdio>

#include "audit/books.hpp"
#include "commands.hpp"
#include "core/embedded.hpp"
#include "settings.hpp"

namespace souk::audit {
std::span<const EmbeddedFile> embedded_files();  // invariants.sql
}

namespace souk::commands {
namespace {

void print(const audit::Findings& findings) {
  for (const auto& finding : findings.invariants) {
    fmt::print("{:9}  {}\n", finding.violations == 0 ? "holds" : "VIOLATED", finding.name);
    for (const auto& row : finding.rows) fmt::print("           {}\n", row.text);
    const auto more = finding.violations - static_cast<std::int64_t>(finding.rows.size());
    if (more > 0) fmt::print("           and {} more\n", more);
  }
  if (findings.under_way > 0) {
    fmt::print("{} checkouts or cancellations are under way; what they have not finished counts as violated\n",
               findings.under_way);
  }
  fmt::print("{} invariants, {} violations\n", findings.invariants.size(), findings.violations);
}

}  // namespace

int audit(const Arguments& arguments) {
  const bool as_json = arguments == Arguments{"--json"};
  if (!as_json && !arguments.empty()) {
    fmt::print(stderr, "usage: souk audit [--json]\n");
    return 2;
  }
  try {
    const auto invariants = audit::parse_invariants(audit::embedded_files().front().text);
    const auto findings = audit::audit_books(souk::settings::postgres_url.get(), invariants);
    if (as_json) {
      fmt::print("{}\n", json::write(findings));
    } else {
      print(findings);
    }
    return findings.violations == 0 ? 0 : 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "souk: the books could not be audited: {}\n", e.what());
    return 2;
  }
}

}  // namespace souk::commands

#include "tests/e2e/admin_page.h"

#include <httplib.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace understudy::testing {

std::string ReadAdminPage(int port, const std::string& path) {
  httplib::Client client("127.0.0.1", port);
  const httplib::Result result = client.Get(path);
  return result && result->status == 200 ? result->body : std::string();
}

double ReadMetric(int admin_port, const std::string& series) {
  const std::string page = ReadAdminPage(admin_port, "/metrics");
  for (absl::string_view line : absl::StrSplit(page, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    double value = 0;
    if (parts.first == series && absl::SimpleAtod(parts.second, &value)) return value;
  }
  return -1;
}

}  // namespace understudy::testing

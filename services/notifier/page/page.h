// The operator's page: what is known, as HTML documents. Everything from outside is text in them
// (html_writer.h); they name no other host's files, hold no script and no style, and say the same
// without either. Pure.
#ifndef SERVICES_NOTIFIER_PAGE_PAGE_H_
#define SERVICES_NOTIFIER_PAGE_PAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/notifier/page/page_query.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

// How things are shown, whatever they are.
struct PageLook {
  absl::Time now = {};
  bool mask_numbers = true;
};

struct ShownGroup {
  Group group = {};
  std::vector<int64_t> hours = {};  // SparklineOf
};

struct OverviewView {
  int hours = kDefaultHours;
  std::vector<MinuteCounts> minutes = {};  // from BeginOfColumns on
  StoreStatus status = {};
  std::vector<ShownGroup> open = {};
  bool has_more_open = false;
  std::vector<ShownGroup> quiet = {};
  bool has_more_quiet = false;
};
std::string OverviewPage(const OverviewView& view, const PageLook& look);

struct GroupListView {
  bool open = true;
  int64_t total = 0;  // of that state
  std::vector<ShownGroup> groups = {};
  bool is_first = true;
  std::optional<Store::GroupPlace> rest = {};  // where older ones are
};
std::string GroupListPage(const GroupListView& view, const PageLook& look);

struct GroupView {
  ShownGroup group = {};
  std::vector<StoredEvent> events = {};
  bool is_first = true;
  int64_t rest_before_row = 0;  // 0: there are no older ones
};
std::string GroupPage(const GroupView& view, const PageLook& look);

struct EventView {
  StoredEvent stored = {};
  std::optional<Group> group = {};
};
std::string EventPage(const EventView& view, const PageLook& look);

struct SearchView {
  PageSearch search = {};
  FoundEvents found = {};
  bool is_first = true;
};
std::string SearchPage(const SearchView& view, const PageLook& look);

// For what is not there, or cannot be shown now.
std::string SorryPage(absl::string_view title, absl::string_view sentence, const PageLook& look);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_PAGE_PAGE_H_

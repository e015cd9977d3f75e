// Looking for events by what a person knows of them, within a bound on how many are looked at.
#ifndef SERVICES_NOTIFIER_STORE_SEARCH_H_
#define SERVICES_NOTIFIER_STORE_SEARCH_H_

#include <cstdint>

#include "common/sqlite/sqlite.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

using sqlite::Connection;
using sqlite::Rows;

// As Store's function of the same name. Failures are the connection's.
FoundEvents Search(Connection& connection, const EventSearch& search, int64_t before_row, int max,
                   int max_looked_at);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_SEARCH_H_

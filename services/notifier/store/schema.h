// The shape of the store's database file.
#ifndef SERVICES_NOTIFIER_STORE_SCHEMA_H_
#define SERVICES_NOTIFIER_STORE_SCHEMA_H_

#include "absl/types/span.h"
#include "common/sqlite/schema.h"

namespace understudy::notifier {

// The scripts of migrations/ in order.
absl::Span<const char* const> Migrations();

inline sqlite::Schema StoreSchema() {
  return {.application_id = 0x55647374,  // "Udst"
          .migrations = Migrations()};
}

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_SCHEMA_H_

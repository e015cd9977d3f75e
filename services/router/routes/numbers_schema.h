// The shape of the numbers' database file.
#ifndef SERVICES_ROUTER_ROUTES_NUMBERS_SCHEMA_H_
#define SERVICES_ROUTER_ROUTES_NUMBERS_SCHEMA_H_

#include "absl/types/span.h"
#include "common/sqlite/schema.h"

namespace understudy::router {

// The scripts of migrations/ in order.
absl::Span<const char* const> Migrations();

inline sqlite::Schema NumbersSchema() {
  return {.application_id = 0x5564736E,  // "Udsn"
          .migrations = Migrations()};
}

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBERS_SCHEMA_H_

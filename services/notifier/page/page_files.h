// The files the page's documents name, as they are in the source, within the program.
#ifndef SERVICES_NOTIFIER_PAGE_PAGE_FILES_H_
#define SERVICES_NOTIFIER_PAGE_PAGE_FILES_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace understudy::notifier {

struct PageFile {
  absl::string_view path = {};
  absl::string_view content_type = {};
  absl::string_view content = {};
};

// Live as long as the program.
absl::Span<const PageFile> PageFiles();

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_PAGE_PAGE_FILES_H_

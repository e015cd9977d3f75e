// How far a long command is, on a terminal.
#ifndef SERVICES_CLI_PROGRESS_H_
#define SERVICES_CLI_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::cli {

// In characters.
inline constexpr int kProgressBarWidth = 30;

// "[=========>                    ]  33%  123,456 lines, 45,678 a second"; without the bar if
// `total` is 0: not known. Pure.
std::string ProgressText(int64_t done, int64_t total, int64_t lines, absl::Duration since);

// "1,234,567".
std::string NumberText(int64_t number);

// A line on standard error that is written over and over; nothing if that is no terminal.
class Progress {
 public:
  // Of `total` units, 0: not known.
  explicit Progress(int64_t total);
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Shows it, now and then.
  void Show(int64_t done, int64_t lines);
  // Takes the line away, for another text.
  void Clear();

 private:
  const bool is_wanted_;
  const int64_t total_;
  const absl::Time begun_at_;
  absl::Time shown_at_ = absl::InfinitePast();
  bool is_shown_ = false;
};

}  // namespace understudy::cli

#endif  // SERVICES_CLI_PROGRESS_H_

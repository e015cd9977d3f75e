#include "services/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/cli/command.h"

namespace understudy::cli {
namespace {

constexpr absl::Duration kShowEvery = absl::Milliseconds(100);

}  // namespace

std::string NumberText(int64_t number) {
  std::string digits = absl::StrCat(number);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string ProgressText(int64_t done, int64_t total, int64_t lines, absl::Duration since) {
  std::string text;
  if (total > 0) {
    const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0., 1.);
    const auto filled = static_cast<size_t>(share * kProgressBarWidth);
    std::string bar(filled, '=');
    if (filled < kProgressBarWidth) bar += '>';
    bar.resize(kProgressBarWidth, ' ');
    text = absl::StrFormat("[%s] %3d%%  ", bar, static_cast<int>(share * 100));
  }
  const double seconds = std::max(absl::ToDoubleSeconds(since), 0.001);
  return absl::StrCat(text, NumberText(lines), " lines, ",
                      NumberText(static_cast<int64_t>(static_cast<double>(lines) / seconds)),
                      " a second");
}

Progress::Progress(int64_t total)
    : is_wanted_(isatty(STDERR_FILENO) != 0), total_(total), begun_at_(absl::Now()) {}

void Progress::Show(int64_t done, int64_t lines) {
  if (!is_wanted_) return;
  const absl::Time now = absl::Now();
  if (now - shown_at_ < kShowEvery && now >= shown_at_) return;
  shown_at_ = now;
  is_shown_ = true;
  // Over the line before, of which nothing remains.
  Print(stderr, absl::StrCat("\r", ProgressText(done, total_, lines, now - begun_at_), "\x1b[K"));
}

void Progress::Clear() {
  if (!is_shown_) return;
  is_shown_ = false;
  Print(stderr, "\r\x1b[K");
}

}  // namespace understudy::cli

// What the command line shows, as text. Pure; the same for a terminal and a pipe but for colour.
//
// Much of it was written by strangers' web servers: control characters never reach the terminal.
#ifndef SERVICES_CLI_RENDER_H_
#define SERVICES_CLI_RENDER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace understudy::router::v1 {
class Attempt;
class ResolveTwiMLResponse;
}  // namespace understudy::router::v1

namespace understudy::cli {

// The bar of the longest attempt, in characters.
inline constexpr int kBarWidth = 40;
// Of an offending line at most so many characters are shown, those around its column.
inline constexpr int kPlaceWidth = 80;

enum class Color : uint8_t { kBold, kDim, kRed, kGreen, kYellow, kCyan };

struct Style {
  bool color = false;
};

std::string Paint(const Style& style, Color color, absl::string_view text);

// `text` as part of a line: control characters become \xHH, bytes that are not UTF-8 U+FFFD.
std::string Printable(absl::string_view text);

// The same with its tabs and ends of lines.
std::string PrintableLines(absl::string_view text);

// "<0.1 ms", "1.2 ms", "85 ms", "15.0 s".
std::string TimeText(absl::Duration duration);

// "11200 HTTP retrieval failure".
std::string CodeText(int code);

// "primary answered", "fallback answered", "default document answered".
std::string WhoAnswered(const router::v1::ResolveTwiMLResponse& response);

// How the request ended, in a word or two: "HTTP 200", "no answer".
std::string AttemptEnd(const router::v1::Attempt& attempt);

// "primary" or "fallback".
const char* TargetName(const router::v1::Attempt& attempt);

absl::Duration TotalTime(const router::v1::Attempt& attempt);
// Of all its attempts.
absl::Duration TotalTime(const router::v1::ResolveTwiMLResponse& response);

// Every attempt in three lines or so: what was asked, a bar of its phases to the scale of the
// longest attempt, how it ended.
std::string RenderAttempts(const router::v1::ResolveTwiMLResponse& response, const Style& style);

// Who answered and why, the attempts, warnings, the pages of the codes; last the document.
std::string RenderAnswer(const router::v1::ResolveTwiMLResponse& response, const Style& style);

// `message` as proto3 JSON, every field in it, with a newline at its end. REQUIRES: it holds no
// Any.
std::string RenderJson(const google::protobuf::Message& message);
// The same in one line.
std::string RenderJsonLine(const google::protobuf::Message& message);

// The line of `document`, numbered, and a caret under its column; both count from 1, columns in
// characters. Empty if the document has no such line.
std::string RenderPlace(absl::string_view document, int line, int column, const Style& style);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_RENDER_H_

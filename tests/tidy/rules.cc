#include "tests/tidy/rules.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace understudy::testing {
namespace {

using absl::string_view;

constexpr size_t kColumnsMax = 100;

// Where code lives, and what of ours it may include. The first that fits a path counts.
struct Room {
  string_view files = {};  // a path begins so
  bool pure = false;       // does no I/O and reads no clock
  std::vector<string_view> may_include = {};
};

const std::vector<Room>& Rooms() {
  static const auto* const rooms = new std::vector<Room>{
      {"common/twilio/", true, {"common/twilio/"}},
      {"common/serving/http_message.", true, {"common/serving/http_message."}},
      {"common/serving/request_",
       true,
       {"common/serving/http_message.", "common/serving/request_"}},
      {"common/", false, {"common/"}},
      {"services/router/resolve/", true, {"common/twilio/", "services/router/resolve/"}},
      {"services/router/routes/numbers",
       false,
       {"common/", "services/router/resolve/", "services/router/routes/"}},
      {"services/router/routes/",
       true,
       {"common/twilio/", "services/router/resolve/", "services/router/routes/"}},
      {"services/router/report/error_event.",
       true,
       {"common/twilio/", "services/router/resolve/", "services/router/report/error_event."}},
      {"services/router/report/segment.", true, {"services/router/report/segment."}},
      {"services/router/report/",
       false,
       {"common/", "services/router/resolve/", "services/router/report/"}},
      {"services/router/fetch/address.", true, {"services/router/fetch/address."}},
      {"services/router/fetch/egress.",
       true,
       {"services/router/fetch/address.", "services/router/fetch/egress."}},
      {"services/router/fetch/response_head.",
       true,
       {"common/twilio/", "services/router/resolve/", "services/router/fetch/response_head."}},
      {"services/router/fetch/transfer_end.",
       true,
       {"common/twilio/", "services/router/resolve/", "services/router/fetch/address.",
        "services/router/fetch/egress.", "services/router/fetch/transfer_end."}},
      {"services/router/fetch/",
       false,
       {"common/", "services/router/resolve/", "services/router/fetch/"}},
      {"services/router/", false, {"common/", "services/router/"}},
      {"services/notifier/ingest/event.",
       true,
       {"common/twilio/", "services/notifier/ingest/event."}},
      {"services/notifier/groups/grouping.",
       true,
       {"common/twilio/", "services/notifier/ingest/event.", "services/notifier/groups/grouping."}},
      {"services/notifier/groups/alert_rules.",
       true,
       {"services/notifier/ingest/event.", "services/notifier/groups/alert_rules.",
        "services/notifier/groups/grouping.", "services/notifier/mail/mime."}},
      {"services/notifier/groups/delivery.",
       true,
       {"services/notifier/groups/delivery.", "services/notifier/mail/mailer.",
        "services/notifier/store/store."}},
      {"services/notifier/words/",
       true,
       {"common/twilio/", "services/notifier/ingest/event.", "services/notifier/groups/grouping.",
        "services/notifier/words/"}},
      {"services/notifier/page/page_door.",
       false,
       {"common/", "services/notifier/page/", "services/notifier/store/store."}},
      {"services/notifier/page/",
       true,
       {"common/twilio/", "services/notifier/ingest/event.", "services/notifier/groups/grouping.",
        "services/notifier/page/", "services/notifier/words/", "services/notifier/store/store."}},
      {"services/notifier/mail/letter.",
       true,
       {"services/notifier/mail/letter.", "services/notifier/words/"}},
      {"services/notifier/mail/digest.",
       true,
       {"common/twilio/", "services/notifier/ingest/event.", "services/notifier/groups/grouping.",
        "services/notifier/mail/", "services/notifier/words/"}},
      {"services/notifier/mail/mime.",
       true,
       {"common/twilio/", "services/notifier/ingest/event.", "services/notifier/groups/grouping.",
        "services/notifier/mail/", "services/notifier/words/"}},
      {"services/notifier/mail/smtp_dialogue.",
       true,
       {"common/twilio/", "services/notifier/ingest/event.", "services/notifier/groups/grouping.",
        "services/notifier/mail/", "services/notifier/words/"}},
      {"services/notifier/", false, {"common/", "services/notifier/"}},
      {"services/cli/", false, {"common/", "services/router/", "services/cli/"}},
  };
  return *rooms;
}

const Room* RoomOf(string_view path) {
  for (const Room& room : Rooms()) {
    if (absl::StartsWith(path, room.files)) return &room;
  }
  return nullptr;
}

struct Exception {
  string_view path = {};
  string_view include = {};
  string_view reason = {};
};

constexpr Exception kExceptions[] = {
    {"common/serving/http_message.cc", "boost/beast/http/status.hpp", "the names of statuses"},
    {"common/serving/request_reader.cc", "boost/beast/http/basic_parser.hpp",
     "the parser it stands around"},
    {"common/twilio/url.cc", "curl/urlapi.h", "URLs are read by the parser that dials"},
    {"common/twilio/url.cc", "locale.h", "which reads names in a locale's encoding"},
    {"services/router/fetch/transfer_end.cc", "curl/curl.h", "it is about libcurl's codes"},
    {"services/notifier/mail/smtp_dialogue.cc", "curl/curl.h", "it is about libcurl's codes"},
    {"services/router/report/segment.cc", "zlib.h", "its check sums"},
    {"services/router/fetch/address.cc", "arpa/inet.h", "addresses from and to text"},
    {"services/router/fetch/address.cc", "netinet/in.h", "addresses from and to text"},
};

const Exception* FindException(string_view path, string_view include) {
  for (const Exception& exception : kExceptions) {
    if (exception.path == path && exception.include == include) return &exception;
  }
  return nullptr;
}

// Of the standard library: what waits, reads a clock, rolls dice or touches files.
constexpr string_view kImpure[] = {
    "chrono",           "condition_variable", "ctime", "filesystem", "fstream",
    "future",           "iostream",           "mutex", "random",     "thread",
    "absl/time/clock.h"};

constexpr string_view kPureLibraries[] = {"absl/", "expat.h", "openssl/"};

// May include what protoc made: the doors, the command line, and who tests them.
constexpr string_view kDoors[] = {"common/serving/grpc_error.cc",
                                  "services/cli/",
                                  "services/router/conversion.cc",
                                  "services/router/service.cc",
                                  "services/router/report/notifier_client.cc",
                                  "services/notifier/ingest/conversion.cc",
                                  "services/notifier/ingest/grpc_service.",
                                  "services/notifier/ingest/http_handlers.cc",
                                  "tests/"};

// May include Boost: its headers are large, and what it throws is caught there.
constexpr string_view kAroundBoost[] = {"common/serving/http_message.cc",
                                        "common/serving/public_server.cc",
                                        "common/serving/request_reader.cc"};

// May include SQLite's own header: everybody else writes common/sqlite's words.
constexpr string_view kAroundSqlite[] = {"common/sqlite/", "tests/"};

template <size_t size>
bool BeginsWithAnyOf(string_view text, const string_view (&prefixes)[size]) {
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [&](string_view prefix) { return absl::StartsWith(text, prefix); });
}

bool IsHeader(string_view path) {
  return absl::EndsWith(path, ".h");
}
bool IsCpp(string_view path) {
  return IsHeader(path) || absl::EndsWith(path, ".cc");
}
bool IsBuildFile(string_view path) {
  return path == "CMakeLists.txt" || absl::EndsWith(path, "/CMakeLists.txt");
}

std::string Complain(const SourceFile& file, size_t line, string_view what) {
  return absl::StrCat(file.path, ":", line, ": ", what);
}

// The lines of a text, without their ends.
std::vector<string_view> LinesOf(string_view text) {
  return absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
}

struct Include {
  size_t line = 0;
  std::string path = {};
  bool quoted = false;
};

std::vector<Include> IncludesOf(const SourceFile& file) {
  std::vector<Include> includes;
  const std::string code = CodeOf(file.text);
  const std::vector<string_view> code_lines = LinesOf(code);
  const std::vector<string_view> lines = LinesOf(file.text);
  for (size_t i = 0; i < code_lines.size(); ++i) {
    string_view directive = absl::StripLeadingAsciiWhitespace(code_lines[i]);
    if (!absl::ConsumePrefix(&directive, "#")) continue;
    if (!absl::StartsWith(absl::StripLeadingAsciiWhitespace(directive), "include")) continue;
    const size_t open = lines[i].find_first_of("\"<");
    if (open == string_view::npos) continue;
    const bool quoted = lines[i][open] == '"';
    const size_t close = lines[i].find(quoted ? '"' : '>', open + 1);
    includes.push_back({.line = i + 1,
                        .path = std::string(lines[i].substr(open + 1, close - open - 1)),
                        .quoted = quoted});
  }
  return includes;
}

bool IsOurs(string_view include) {
  return absl::StartsWith(include, "common/") || absl::StartsWith(include, "services/") ||
         absl::StartsWith(include, "tests/");
}

// A header of the standard library has neither folder nor suffix.
bool IsStandard(string_view include) {
  return include.find_first_of("/.") == string_view::npos;
}

bool IsIdentifier(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// Whether `line` calls or names `word`, and not something that only ends or begins so.
bool Names(string_view line, string_view word) {
  for (size_t at = line.find(word); at != string_view::npos; at = line.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool begins = !IsIdentifier(word.front()) || at == 0 || !IsIdentifier(line[at - 1]);
    const bool ends = !IsIdentifier(word.back()) || end == line.size() || !IsIdentifier(line[end]);
    if (begins && ends) return true;
  }
  return false;
}

std::string GuardOf(string_view path) {
  std::string guard = absl::AsciiStrToUpper(path);
  std::replace_if(
      guard.begin(), guard.end(), [](char c) { return !IsIdentifier(c); }, '_');
  return guard + "_";
}

// Characters, as an editor counts them.
size_t Columns(string_view line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

void Append(Complaints more, Complaints& all) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

std::string CodeOf(string_view cpp) {
  std::string code(cpp);
  // Blanks out all up to the end of `closing`, from `at`; the position after it.
  const auto blank = [&](size_t at, string_view closing, bool has_escapes) {
    while (at < code.size()) {
      if (has_escapes && cpp[at] == '\\' && at + 1 < code.size()) {
        code[at++] = ' ';
      } else if (cpp.substr(at, closing.size()) == closing) {
        return at + closing.size();
      }
      if (code[at] != '\n') code[at] = ' ';
      ++at;
    }
    return at;
  };
  size_t i = 0;
  while (i < cpp.size()) {
    const string_view rest = cpp.substr(i);
    const bool in_word = i > 0 && IsIdentifier(cpp[i - 1]);
    if (absl::StartsWith(rest, "//")) {
      i = blank(i, "\n", /*has_escapes=*/false);
    } else if (absl::StartsWith(rest, "/*")) {
      const size_t end = blank(i, "*/", /*has_escapes=*/false);
      if (end <= code.size() && end >= i + 4) code[end - 1] = code[end - 2] = ' ';
      i = end;
    } else if (absl::StartsWith(rest, "R\"") && !in_word) {
      const size_t open = rest.find('(');
      if (open == string_view::npos) return code;
      const std::string closing = absl::StrCat(")", rest.substr(2, open - 2), "\"");
      i = blank(i + open + 1, closing, /*has_escapes=*/false);
    } else if (rest.front() == '"') {
      i = blank(i + 1, "\"", /*has_escapes=*/true);
    } else if (rest.front() == '\'' && !in_word) {  // in a word it divides digits
      i = blank(i + 1, "'", /*has_escapes=*/true);
    } else {
      ++i;
    }
  }
  return code;
}

Complaints CheckIncludes(const SourceFile& file) {
  Complaints complaints;
  if (!IsCpp(file.path)) return complaints;
  const Room* const room = RoomOf(file.path);
  for (const Include& include : IncludesOf(file)) {
    const auto complain = [&](string_view what) {
      complaints.push_back(
          Complain(file, include.line, absl::StrCat("includes ", include.path, ": ", what)));
    };
    if (absl::EndsWith(include.path, ".pb.h") && !BeginsWithAnyOf(file.path, kDoors)) {
      complain("generated code stays at the doors");
      continue;
    }
    if (absl::StartsWith(include.path, "boost/") && !BeginsWithAnyOf(file.path, kAroundBoost)) {
      complain("Boost stays inside the public server");
      continue;
    }
    if (include.path == "sqlite3.h" && !BeginsWithAnyOf(file.path, kAroundSqlite)) {
      complain("SQLite stays inside common/sqlite");
      continue;
    }
    if (room == nullptr || FindException(file.path, include.path) != nullptr) continue;
    if (IsOurs(include.path)) {
      // Words any room may use: the headers directly in common.
      const bool is_common_word = absl::StartsWith(include.path, "common/") &&
                                  std::count(include.path.begin(), include.path.end(), '/') == 1;
      const bool is_allowed =
          is_common_word ||
          std::any_of(room->may_include.begin(), room->may_include.end(),
                      [&](string_view prefix) { return absl::StartsWith(include.path, prefix); });
      if (!is_allowed) complain(absl::StrCat(room->files, " may not know it"));
    } else if (room->pure) {
      const bool is_impure =
          std::find(std::begin(kImpure), std::end(kImpure), include.path) != std::end(kImpure);
      if (is_impure ||
          !(IsStandard(include.path) || BeginsWithAnyOf(include.path, kPureLibraries))) {
        complain(absl::StrCat(room->files, " is pure"));
      }
    }
  }
  return complaints;
}

Complaints CheckExceptions(const std::vector<SourceFile>& files) {
  std::set<std::pair<std::string, std::string>> needed;
  for (const SourceFile& file : files) {
    for (const Include& include : IncludesOf(file)) needed.insert({file.path, include.path});
  }
  Complaints complaints;
  for (const Exception& exception : kExceptions) {
    if (needed.count({std::string(exception.path), std::string(exception.include)}) == 0) {
      complaints.push_back(absl::StrCat(exception.path, ":0: does not need its exception for ",
                                        exception.include, " any more"));
    }
  }
  return complaints;
}

Complaints CheckClocks(const SourceFile& file) {
  Complaints complaints;
  const Room* const room = RoomOf(file.path);
  if (!IsCpp(file.path) || room == nullptr || !room->pure) return complaints;
  const std::string code = CodeOf(file.text);
  const std::vector<string_view> lines = LinesOf(code);
  for (size_t i = 0; i < lines.size(); ++i) {
    for (const string_view call :
         {"absl::Now", "::now(", "time(", "clock_gettime(", "gettimeofday(", "MonotonicNow"}) {
      if (!Names(lines[i], call)) continue;
      complaints.push_back(
          Complain(file, i + 1, absl::StrCat("reads a clock: ", room->files, " is pure")));
      break;
    }
  }
  return complaints;
}

Complaints CheckStringViews(const SourceFile& file) {
  Complaints complaints;
  if (!IsCpp(file.path) || !absl::StrContains(file.text, "#include \"absl/")) return complaints;
  const std::string code = CodeOf(file.text);
  const std::vector<string_view> lines = LinesOf(code);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (Names(lines[i], "std::string_view")) {
      complaints.push_back(Complain(file, i + 1, "std::string_view next to Abseil"));
    }
  }
  return complaints;
}

Complaints CheckGuard(const SourceFile& file) {
  if (!IsHeader(file.path)) return {};
  const std::string guard = GuardOf(file.path);
  const std::string begin = absl::StrCat("\n#ifndef ", guard, "\n#define ", guard, "\n");
  const std::string end = absl::StrCat("\n#endif  // ", guard, "\n");
  const std::string text = "\n" + file.text;
  // Nothing but comments before it.
  const size_t directive = text.find("\n#");
  if (directive != std::string::npos && text.compare(directive, begin.size(), begin) == 0 &&
      absl::EndsWith(text, end)) {
    return {};
  }
  return {Complain(file, 0, absl::StrCat("is not guarded by ", guard))};
}

Complaints CheckText(const SourceFile& file) {
  Complaints complaints;
  const bool is_cpp = IsCpp(file.path);
  const bool is_bounded = is_cpp || absl::EndsWith(file.path, ".proto");
  const std::vector<string_view> lines = LinesOf(file.text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (is_bounded && Columns(lines[i]) > kColumnsMax) {
      complaints.push_back(
          Complain(file, i + 1, absl::StrCat("is longer than ", kColumnsMax, " columns")));
    }
    if (is_cpp && absl::StrContains(lines[i], '\t')) {
      complaints.push_back(Complain(file, i + 1, "has a tab"));
    }
    // Written in two, so that this file can be looked at too.
    for (const string_view word : {"TO"
                                   "DO",
                                   "FIX"
                                   "ME"}) {
      if (Names(lines[i], word)) complaints.push_back(Complain(file, i + 1, "leaves work undone"));
    }
  }
  return complaints;
}

Complaints CheckName(const SourceFile& file) {
  static const auto* const banned = new std::set<string_view>{
      "base", "core", "helper", "helpers", "impl", "manager", "managers", "misc", "util", "utils"};
  string_view path = file.path;
  absl::ConsumePrefix(&path, "deploy/kubernetes/base/");  // what everybody's kustomize calls it
  for (const string_view word : absl::StrSplit(path, absl::ByAnyChar("/._-"))) {
    if (banned->count(word) == 1) {
      return {Complain(file, 0, absl::StrCat("is called \"", word, "\", which says nothing"))};
    }
  }
  return {};
}

Complaints CheckBuilt(const std::vector<SourceFile>& files) {
  std::set<std::string> built;
  for (const SourceFile& file : files) {
    if (!IsBuildFile(file.path)) continue;
    const std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
    for (const string_view line : LinesOf(file.text)) {
      const string_view statement = line.substr(0, line.find('#'));
      for (const string_view word :
           absl::StrSplit(statement, absl::ByAnyChar(" ()\t"), absl::SkipEmpty())) {
        if (!absl::EndsWith(word, ".cc")) continue;
        built.insert((folder / std::string(word)).lexically_normal().string());
      }
    }
  }
  Complaints complaints;
  for (const SourceFile& file : files) {
    if (absl::EndsWith(file.path, ".cc") && built.count(file.path) == 0) {
      complaints.push_back(Complain(file, 0, "is in no CMakeLists.txt"));
    }
  }
  return complaints;
}

Complaints CheckLinks(const std::vector<SourceFile>& files) {
  std::set<std::string> paths;
  for (const SourceFile& file : files) {
    std::filesystem::path path = file.path;
    for (; !path.empty(); path = path.parent_path()) paths.insert(path.string());
  }
  Complaints complaints;
  for (const SourceFile& file : files) {
    if (!absl::EndsWith(file.path, ".md")) continue;
    const std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
    const std::vector<string_view> lines = LinesOf(file.text);
    for (size_t i = 0; i < lines.size(); ++i) {
      for (size_t at = lines[i].find("]("); at != string_view::npos; at = lines[i].find("](", at)) {
        at += 2;
        const string_view link = lines[i].substr(at, lines[i].find(')', at) - at);
        const string_view path = link.substr(0, link.find('#'));
        if (path.empty() || absl::StrContains(path, "://")) continue;
        std::string target = (folder / std::string(path)).lexically_normal().string();
        if (absl::EndsWith(target, "/")) target.pop_back();
        if (paths.count(target) == 0) {
          complaints.push_back(Complain(file, i + 1, absl::StrCat("links to no file: ", path)));
        }
      }
    }
  }
  return complaints;
}

Complaints CheckSources(const std::vector<SourceFile>& files) {
  Complaints complaints;
  for (const SourceFile& file : files) {
    for (const auto check :
         {CheckIncludes, CheckClocks, CheckStringViews, CheckGuard, CheckText, CheckName}) {
      Append(check(file), complaints);
    }
  }
  Append(CheckExceptions(files), complaints);
  Append(CheckLinks(files), complaints);
  Append(CheckBuilt(files), complaints);
  return complaints;
}

}  // namespace understudy::testing

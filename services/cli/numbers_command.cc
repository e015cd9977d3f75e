#include <fnmatch.h>
#include <sys/stat.h>
#include <understudy/cli/v1/import_report.pb.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/twilio/form.h"
#include "common/twilio/identifiers.h"
#include "services/cli/command.h"
#include "services/cli/csv.h"
#include "services/cli/numbers_file.h"
#include "services/cli/numbers_import.h"
#include "services/cli/options.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/cli/table.h"
#include "services/router/routes/number_pattern.h"
#include "services/router/routes/numbers.h"
#include "services/router/routes/resource_json.h"

namespace understudy::cli {
namespace {

using router::IncomingPhoneNumber;
using router::NumberField;
using router::ResourceError;

constexpr char kUsage[] = R"(Usage: understudy numbers list [OPTIONS]
       understudy numbers show NUMBER [OPTIONS]
       understudy numbers set NUMBER FIELD=VALUE... [OPTIONS]
       understudy numbers rm NUMBER [OPTIONS]
       understudy numbers import FILE [OPTIONS]
       understudy numbers export [OPTIONS]

The phone numbers of a router, in the database where its REST interface keeps them too. A router
that runs sees a change within a second.

  list     who answers which number
  show     all fields of one
  set      makes the number or changes it: FIELD=VALUE sets a field, FIELD= clears it
  rm       removes it
  import   makes or changes those of a CSV file, "-" for standard input: all of them or, if a line
           has a mistake, none. Other writers wait until it is done
  export   writes them as CSV to standard output

Fields are those of Twilio's IncomingPhoneNumber resource, such as voice_url, voice_method,
voice_fallback_url, voice_fallback_method, sms_url, sms_fallback_url, friendly_name,
voice_application_sid, status_callback. URLs may be bin:NAME. The first line of a CSV file names
them; a field without a column stays as it is, an empty one is cleared.

Where they are:
  --config FILE       the router's configuration, which names the database, the accounts and the
                      bins. Its own numbers are shown, but changed only there
  --database FILE     or the database alone; then accounts and bins are not checked. Run it as the
                      router's user, who has to be able to open its files

Which ones:
  --account SID       of this account. For set and import: of numbers that are new and name none
                      (default: the configuration's, if it has one only)
  --number PATTERN    for list and export: with these digits, "*" for any
  --limit COUNT       for list: at most so many

  --json              list, show, set: each as an IncomingPhoneNumber in JSON, one a line, as the
                      REST interface has it. import: a line for each mistake, and a report

Exit status: 0 done; 1 there is no such number, it may not be so, or the database cannot be used;
2 wrong usage or a wrong configuration.
)";

struct NumbersOptions {
  std::string verb = {};
  std::vector<std::string> words = {};  // behind it
  std::string config = {};
  std::string database = {};
  std::string account = {};
  std::optional<router::NumberPattern> pattern = {};
  std::optional<int64_t> limit = {};
  bool json = false;
};

Option PatternOption(std::optional<router::NumberPattern>& out) {
  return {.name = "--number", .set = [&out](absl::string_view text) {
            out = router::ReadNumberPattern(text);
            return out.has_value() ? absl::OkStatus()
                                   : absl::InvalidArgumentError("is digits, \"*\" for any of them");
          }};
}

Option AccountOption(std::string& out) {
  return {.name = "--account", .set = [&out](absl::string_view text) {
            if (!twilio::IsAccountSid(text)) {
              return absl::InvalidArgumentError("is AC and 32 hexadecimal digits");
            }
            out = std::string(text);
            return absl::OkStatus();
          }};
}

Option LimitOption(std::optional<int64_t>& out) {
  return {.name = "--limit", .set = [&out](absl::string_view text) {
            int64_t count = 0;
            if (!absl::SimpleAtoi(text, &count) || count < 0) {
              return absl::InvalidArgumentError("is a number");
            }
            out = count;
            return absl::OkStatus();
          }};
}

// What of the options has no meaning with the others; empty if all has.
std::string MistakeOf(const NumbersOptions& given) {
  constexpr absl::string_view kVerbs[] = {"list", "show", "set", "rm", "import", "export"};
  const std::string& verb = given.verb;
  const size_t words = given.words.size();
  if (verb.empty()) return "takes list, show, set, rm, import or export";
  if (std::find(std::begin(kVerbs), std::end(kVerbs), verb) == std::end(kVerbs)) {
    const absl::string_view near = NearestName(verb, kVerbs);
    return absl::StrCat("takes list, show, set, rm, import or export, not ", verb,
                        near.empty() ? "" : "; did you mean ", near, near.empty() ? "" : "?");
  }
  const bool is_of_many = verb == "list" || verb == "export";
  if (is_of_many && words > 0) return absl::StrCat(verb, " takes no ", given.words[0]);
  if ((verb == "show" || verb == "rm") && words != 1)
    return absl::StrCat(verb, " takes one NUMBER");
  if (verb == "set" && words < 2) return "set takes a NUMBER and what to set: FIELD=VALUE";
  if (verb == "import" && words != 1) return "import takes one FILE, or -";
  if (given.config.empty() == given.database.empty()) {
    return "one of --config and --database says where the numbers are";
  }
  if (!is_of_many && given.pattern.has_value()) return "--number is for list and export";
  if (verb != "list" && given.limit.has_value()) return "--limit is for list";
  if ((verb == "show" || verb == "rm") && !given.account.empty()) {
    return "--account is for list, set, import and export";
  }
  if ((verb == "export" || verb == "rm") && given.json) {
    return "--json is for list, show, set and import";
  }
  return "";
}

absl::StatusOr<NumbersOptions> ReadOptions(Arguments arguments) {
  NumbersOptions given;
  absl::StatusOr<std::vector<std::string>> words =
      ParseOptions(arguments, {Text("--config", given.config), Text("--database", given.database),
                               AccountOption(given.account), PatternOption(given.pattern),
                               LimitOption(given.limit), Flag("--json", given.json)});
  if (!words.ok()) return words.status();
  if (!words->empty()) {
    given.verb = words->front();
    given.words.assign(words->begin() + 1, words->end());
  }
  const std::string mistake = MistakeOf(given);
  if (!mistake.empty()) return absl::InvalidArgumentError(mistake);
  return given;
}

int Fail(absl::string_view what) {
  Print(stderr, absl::StrCat("understudy numbers: ", PrintableLines(what), "\n"));
  return kExitFailed;
}

int ExitStatusOf(Written written) {
  return written == Written::kFailed ? kExitFailed : kExitGood;
}

std::string ErrorText(const ResourceError& error) {
  return absl::StrCat(error.message, error.code == 0 || error.status >= 500
                                         ? ""
                                         : absl::StrCat(" [", error.code, "]"));
}

// The number as the user wrote it, without what people put between digits.
std::string PlainNumber(absl::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (!absl::StrContains(" -.()", c)) plain.push_back(c);
  }
  return plain;
}

std::string NoSuchNumber(const std::string& number, const NumbersFile& file) {
  return absl::StrCat("there is no number ", number, " in ", file.path(),
                      absl::StartsWith(number, "+") ? "" : "; numbers begin with +");
}

// All fields that have a value, a line each.
std::string FieldLines(const IncomingPhoneNumber& number, const Style& style) {
  std::string text;
  for (const NumberField& field : router::NumberFields()) {
    const std::string value = router::NumberFieldText(number, field.name);
    if (value.empty()) continue;
    absl::StrAppend(&text, Paint(style, Color::kDim, absl::StrFormat("%-23s", field.name)), " ",
                    Printable(value), "\n");
  }
  if (number.is_read_only) {
    absl::StrAppend(&text, "It is of the configuration, and changed there.\n");
  }
  return text;
}

Written PrintNumber(const IncomingPhoneNumber& number, bool json) {
  return WriteOut("numbers", json ? absl::StrCat(router::NumberJson(number), "\n")
                                  : FieldLines(number, StyleFor(stdout)));
}

// Who answers, in a few words.
std::string HandlerText(const router::HandlerFields& handler, const std::string& application,
                        const std::string& trunk) {
  if (!trunk.empty()) return trunk;
  if (!application.empty()) return application;
  return handler.url;
}

std::vector<Cell> NumberCells(const IncomingPhoneNumber& number) {
  const bool has_voice = number.trunk_sid.empty() && number.voice_application_sid.empty();
  const bool has_sms = number.sms_application_sid.empty();
  return {{number.phone_number, Color::kBold},
          {HandlerText(number.voice, number.voice_application_sid, number.trunk_sid)},
          {has_voice ? number.voice.fallback_url : ""},
          {HandlerText(number.sms, number.sms_application_sid, "")},
          {has_sms ? number.sms.fallback_url : ""},
          {number.is_read_only ? "configuration" : "database"},
          {number.account_sid},
          {number.friendly_name}};
}

// Lines are printed so many at a time; columns get wider from one such part to the next.
constexpr size_t kRowsAtATime = 500;

class NumberList {
 public:
  explicit NumberList(bool json)
      : json_(json),
        table_({{.name = "NUMBER"},
                {.name = "VOICE"},
                {.name = "VOICE FALLBACK"},
                {.name = "SMS"},
                {.name = "SMS FALLBACK"},
                {.name = "KEPT IN"},
                {.name = "ACCOUNT"},
                {.name = "NAME"}},
               TerminalWidth(), StyleFor(stdout)) {}

  void Add(const IncomingPhoneNumber& number) {
    ++count_;
    if (json_) {
      absl::StrAppend(&text_, router::NumberJson(number), "\n");
    } else {
      rows_.push_back(NumberCells(number));
    }
    if (rows_.size() >= kRowsAtATime || text_.size() >= kRowsAtATime * 1000) Flush();
  }
  void Flush() {
    if (!rows_.empty()) text_ += table_.Render(rows_);
    rows_.clear();
    if (written_ == Written::kAll) written_ = WriteOut("numbers", text_);
    text_.clear();
  }
  Written written() const { return written_; }
  int64_t count() const { return count_; }

 private:
  const bool json_;
  Table table_;
  std::vector<std::vector<Cell>> rows_;
  std::string text_;
  int64_t count_ = 0;
  Written written_ = Written::kAll;
};

bool Matches(const IncomingPhoneNumber& number, const NumbersOptions& given) {
  return !given.pattern.has_value() ||
         ::fnmatch(given.pattern->glob.c_str(), number.phone_number.c_str(), 0) == 0;
}

int List(const NumbersOptions& given, NumbersFile& file) {
  NumberList list(given.json);
  const int64_t limit = given.limit.value_or(std::numeric_limits<int64_t>::max());
  const absl::Status status = file.ForEach(given.account, [&](const IncomingPhoneNumber& number) {
    if (list.count() < limit && Matches(number, given)) list.Add(number);
    return list.count() < limit && list.written() == Written::kAll;
  });
  list.Flush();
  if (!status.ok()) return Fail(absl::StrCat(file.path(), ": ", status.message()));
  if (list.count() == 0 && !given.json) Print(stderr, "no numbers\n");
  return ExitStatusOf(list.written());
}

int Show(const NumbersOptions& given, NumbersFile& file) {
  const std::string number = PlainNumber(given.words[0]);
  const router::Answer<IncomingPhoneNumber> found = file.Find(number);
  if (const auto* error = std::get_if<ResourceError>(&found)) {
    return Fail(error->status == 404 ? NoSuchNumber(number, file) : ErrorText(*error));
  }
  return ExitStatusOf(PrintNumber(std::get<IncomingPhoneNumber>(found), given.json));
}

// The fields that `set` is given; the mistakes it makes in them.
absl::StatusOr<twilio::Form> ReadFields(const NumbersOptions& given) {
  twilio::Form fields;
  for (size_t i = 1; i < given.words.size(); ++i) {
    const std::string& word = given.words[i];
    const size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          word, " is not FIELD=VALUE, such as voice_url=https://www.example.com/voice"));
    }
    const std::string name = word.substr(0, equals);
    std::vector<absl::string_view> names;
    const NumberField* field = nullptr;
    for (const NumberField& known : router::NumberFields()) {
      const bool is_fixed =
          !known.may_be_set || known.name == "phone_number" || known.name == "account_sid";
      if (is_fixed) continue;
      names.push_back(known.name);
      if (name == known.name || name == known.parameter) field = &known;
    }
    if (field == nullptr) {
      const absl::string_view near = NearestName(name, names);
      return absl::InvalidArgumentError(absl::StrCat("there is no field ", name, " that may be set",
                                                     near.empty() ? "" : "; did you mean ", near,
                                                     near.empty() ? "" : "?"));
    }
    if (router::FindField(fields, field->name) != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is given twice"));
    }
    fields.push_back({std::string(field->name), word.substr(equals + 1)});
  }
  return fields;
}

int Set(const NumbersOptions& given, NumbersFile& file) {
  absl::StatusOr<twilio::Form> fields = ReadFields(given);
  if (!fields.ok()) return UsageError("numbers", fields.status().message());
  const std::string number = PlainNumber(given.words[0]);
  if (file.IsConfigured(number)) return Fail(ErrorText(router::NotChangedHere(number)));

  std::string account = given.account;
  const router::Answer<IncomingPhoneNumber> found = file.Find(number);
  if (const auto* there = std::get_if<IncomingPhoneNumber>(&found)) {
    if (account.empty()) account = there->account_sid;
  } else if (const auto& error = std::get<ResourceError>(found); error.status != 404) {
    return Fail(ErrorText(error));
  } else if (account.empty()) {
    account = file.only_account();
    if (account.empty()) {
      return Fail(absl::StrCat(NoSuchNumber(number, file), "; to make it, --account says whose"));
    }
  }
  fields->push_back({"phone_number", number});
  fields->push_back({"account_sid", account});
  const std::unique_ptr<router::NumbersImport> import = file.store().BeginImport(absl::Now());
  const std::vector<ResourceError> errors = import->Put(*fields);
  if (!errors.empty()) {
    for (const ResourceError& error : errors) Fail(ErrorText(error));
    return kExitFailed;
  }
  if (absl::Status status = import->Commit(); !status.ok()) return Fail(status.message());
  const router::Answer<IncomingPhoneNumber> made = file.Find(number);
  if (const auto* error = std::get_if<ResourceError>(&made)) return Fail(ErrorText(*error));
  return ExitStatusOf(PrintNumber(std::get<IncomingPhoneNumber>(made), given.json));
}

int Remove(const NumbersOptions& given, NumbersFile& file) {
  const std::string number = PlainNumber(given.words[0]);
  const router::Answer<IncomingPhoneNumber> found = file.Find(number);
  if (const auto* error = std::get_if<ResourceError>(&found)) {
    return Fail(error->status == 404 ? NoSuchNumber(number, file) : ErrorText(*error));
  }
  const auto& there = std::get<IncomingPhoneNumber>(found);
  if (there.is_read_only) return Fail(ErrorText(router::NotChangedHere(number)));
  const router::Answer<router::Deleted> gone =
      file.store().DeleteNumber(there.account_sid, there.sid, absl::Now());
  if (const auto* error = std::get_if<ResourceError>(&gone)) return Fail(ErrorText(*error));
  return ExitStatusOf(WriteOut("numbers", absl::StrCat("removed ", number, "\n")));
}

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};
using OpenedFile = std::unique_ptr<std::FILE, CloseFile>;

int64_t SizeOf(std::FILE* file) {
  struct stat facts = {};
  return ::fstat(fileno(file), &facts) == 0 && S_ISREG(facts.st_mode) ? facts.st_size : 0;
}

v1::ImportLine LineOf(const LineMistake& mistake) {
  v1::ImportLine line;
  v1::ImportMistake& to = *line.mutable_mistake();
  to.set_line(static_cast<int32_t>(mistake.line));
  to.set_field(mistake.field);
  to.set_code(mistake.code);
  to.set_message(mistake.message);
  return line;
}

v1::ImportLine LineOf(const Imported& imported, absl::Duration elapsed) {
  v1::ImportLine line;
  v1::ImportReport& to = *line.mutable_report();
  to.set_created(static_cast<int32_t>(imported.created));
  to.set_changed(static_cast<int32_t>(imported.changed));
  to.set_unchanged(static_cast<int32_t>(imported.unchanged));
  to.set_mistakes(static_cast<int32_t>(imported.mistakes));
  const timespec spec = absl::ToTimespec(elapsed);
  to.mutable_elapsed()->set_seconds(spec.tv_sec);
  to.mutable_elapsed()->set_nanos(static_cast<int32_t>(spec.tv_nsec));
  return line;
}

// "numbers.csv:17: voice_url: VoiceUrl is ... [21402]", as a compiler has it.
std::string MistakeLine(const std::string& file, const LineMistake& mistake) {
  return absl::StrCat(Printable(file), ":", mistake.line, ": ",
                      mistake.field.empty() ? "" : absl::StrCat(Printable(mistake.field), ": "),
                      Printable(mistake.message),
                      mistake.code == 0 ? "" : absl::StrCat(" [", mistake.code, "]"), "\n");
}

int ImportFile(const NumbersOptions& given, NumbersFile& file) {
  const std::string& name = given.words[0];
  const OpenedFile input(name == "-" ? stdin : std::fopen(name.c_str(), "rb"));
  if (input == nullptr) return Fail(absl::StrCat(name, ": ", std::strerror(errno)));

  const absl::Time begun_at = absl::Now();
  const int64_t size = SizeOf(input.get());
  int64_t read = 0;
  int read_error = 0;
  Progress progress(size);
  ImportOptions options;
  options.account = given.account.empty() ? file.only_account() : given.account;
  options.read = [&](char* to, size_t max) {
    errno = 0;
    const size_t count = std::fread(to, 1, max, input.get());
    if (count == 0 && std::ferror(input.get()) != 0) read_error = errno;
    read += static_cast<int64_t>(count);
    return count;
  };
  options.on_mistake = [&](const LineMistake& mistake) {
    progress.Clear();
    if (given.json) {
      Print(stdout, RenderJsonLine(LineOf(mistake)));
    } else {
      Print(stderr, MistakeLine(name, mistake));
    }
  };
  options.on_line = [&](int64_t line) { progress.Show(read, line); };
  options.may_keep = [&] { return read_error == 0; };
  const absl::StatusOr<Imported> imported = ImportNumbers(file, options, begun_at);
  progress.Clear();
  if (read_error != 0) {
    return Fail(absl::StrCat(name, ": ", std::strerror(read_error), "; nothing was imported"));
  }
  if (!imported.ok()) return Fail(absl::StrCat(file.path(), ": ", imported.status().message()));
  const absl::Duration elapsed = absl::Now() - begun_at;
  const bool is_kept = imported->mistakes == 0;
  if (given.json) {
    const Written written = WriteOut("numbers", RenderJsonLine(LineOf(*imported, elapsed)));
    return is_kept ? ExitStatusOf(written) : kExitFailed;
  }
  if (!is_kept) {
    return Fail(absl::StrCat(NumberText(imported->mistakes),
                             imported->mistakes == 1 ? " mistake" : " mistakes",
                             ": nothing was imported"));
  }
  const int64_t all = imported->created + imported->changed + imported->unchanged;
  return ExitStatusOf(
      WriteOut("numbers",
               absl::StrCat("imported ", NumberText(all), " numbers in ", TimeText(elapsed), ": ",
                            NumberText(imported->created), " new, ", NumberText(imported->changed),
                            " changed, ", NumberText(imported->unchanged), " as they were\n")));
}

int Export(const NumbersOptions& given, NumbersFile& file) {
  std::string text;
  Written written = Written::kAll;
  const auto flush = [&] {
    if (written == Written::kAll) written = WriteOut("numbers", text);
    text.clear();
  };
  // The bar would be among the lines.
  std::optional<Progress> progress;
  if (TerminalWidth() == 0) progress.emplace(0);
  std::vector<std::string> fields;
  for (const NumberField& field : router::NumberFields()) fields.emplace_back(field.name);
  AppendCsv(fields, &text);
  int64_t lines = 0;
  const absl::Status status =
      file.store().ForEachNumber(given.account, [&](const IncomingPhoneNumber& number) {
        if (!Matches(number, given)) return true;
        fields.clear();
        for (const NumberField& field : router::NumberFields()) {
          fields.push_back(router::NumberFieldText(number, field.name));
        }
        AppendCsv(fields, &text);
        if (progress.has_value()) progress->Show(0, ++lines);
        if (text.size() >= size_t{64} * 1024) flush();
        return written == Written::kAll;
      });
  progress.reset();
  flush();
  if (!status.ok()) return Fail(absl::StrCat(file.path(), ": ", status.message()));
  return ExitStatusOf(written);
}

}  // namespace

int NumbersCommand(Arguments arguments) {
  if (WantsHelp(arguments)) {
    Print(stdout, kUsage);
    return kExitGood;
  }
  const absl::StatusOr<NumbersOptions> given = ReadOptions(arguments);
  if (!given.ok()) return UsageError("numbers", given.status().message());
  const bool makes = given->verb == "set" || given->verb == "import";
  const absl::StatusOr<std::unique_ptr<NumbersFile>> file = NumbersFile::Open(
      given->config, given->database, makes ? IfAbsent::kMake : IfAbsent::kRefuse);
  if (absl::IsInvalidArgument(file.status())) {
    Print(stderr, absl::StrCat(PrintableLines(file.status().message()), "\n"));
    return kExitUsage;
  }
  if (!file.ok()) return Fail(file.status().message());
  if (given->verb == "list") return List(*given, **file);
  if (given->verb == "show") return Show(*given, **file);
  if (given->verb == "set") return Set(*given, **file);
  if (given->verb == "rm") return Remove(*given, **file);
  return given->verb == "import" ? ImportFile(*given, **file) : Export(*given, **file);
}

}  // namespace understudy::cli

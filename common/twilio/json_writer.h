// JSON text, written from left to right. Pure.
#ifndef COMMON_TWILIO_JSON_WRITER_H_
#define COMMON_TWILIO_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace understudy::twilio {

// What stands for `text` between the quotes of a JSON string. What is no UTF-8 becomes U+FFFD, so
// that any bytes are safe.
void AppendJsonText(absl::string_view text, std::string& json);

// Puts in the commas and the escapes; that what is opened is closed, and that an object's values
// each have a key, is up to the caller.
class JsonWriter {
 public:
  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }
  void Key(absl::string_view name);

  void Text(absl::string_view text);
  void Number(int64_t number);
  void Flag(bool flag);
  void Null();
  // One value that is JSON already.
  void Json(absl::string_view json);

  void Text(absl::string_view key, absl::string_view text) {
    Key(key);
    Text(text);
  }
  // Null where there is none.
  void TextOrNull(absl::string_view key, absl::string_view text);
  void Number(absl::string_view key, int64_t number) {
    Key(key);
    Number(number);
  }
  void Flag(absl::string_view key, bool flag) {
    Key(key);
    Flag(flag);
  }

  const std::string& json() const { return json_; }
  std::string Take() { return std::move(json_); }

 private:
  void Open(char bracket);
  void Close(char bracket);
  void Separate();

  std::string json_;
  bool needs_comma_ = false;
};

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_JSON_WRITER_H_

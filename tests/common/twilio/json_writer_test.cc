#include "common/twilio/json_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace understudy::twilio {
namespace {

TEST(AppendJsonTextTest, Escapes) {
  const struct {
    std::string text;
    const char* json;
  } kCases[] = {
      {"", ""},
      {"a/b 'c' <d>", "a/b 'c' <d>"},
      {"\"\\", "\\\"\\\\"},
      {"\n\r\t\b", "\\n\\r\\t\\u0008"},
      {std::string("\0\x1F\x7F", 3), "\\u0000\\u001f\\u007f"},
      {"\xC3\xB1\xF0\x9F\x98\x80", "\xC3\xB1\xF0\x9F\x98\x80"},
      {"a\xFF\xC3", "a\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const auto& c : kCases) {
    std::string json;
    AppendJsonText(c.text, json);
    EXPECT_EQ(json, c.json);
  }
}

TEST(AppendJsonTextTest, AnyBytesAreRead) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int i = 0; i < 2000; ++i) {
    std::string text(static_cast<size_t>(i % 40), '\0');
    for (char& c : text) c = static_cast<char>(byte(random));
    JsonWriter json;
    json.Text(text);
    EXPECT_TRUE(nlohmann::json::accept(json.json())) << json.json();
  }
}

TEST(JsonWriterTest, CommasAndNesting) {
  JsonWriter json;
  json.BeginObject();
  json.Text("text", "a\"");
  json.Number("number", -7);
  json.Flag("flag", true);
  json.TextOrNull("none", "");
  json.TextOrNull("some", "b");
  json.Key("list");
  json.BeginArray();
  json.Number(1);
  json.BeginObject();
  json.EndObject();
  json.BeginArray();
  json.EndArray();
  json.Json("{\"x\":1}");
  json.Null();
  json.EndArray();
  json.Flag("last", false);
  json.EndObject();
  EXPECT_EQ(json.Take(), R"({"text":"a\"","number":-7,"flag":true,"none":null,"some":"b",)"
                         R"("list":[1,{},[],{"x":1},null],"last":false})");
}

}  // namespace
}  // namespace understudy::twilio

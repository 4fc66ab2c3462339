// Wire JSON: what every value looks like, and which texts pass as JSON.
#include "sync/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace wb {
namespace {

std::string text_of(std::string_view text) {
  std::string out = "before";
  const bool valid = append_json_text(out, text);
  EXPECT_EQ(out.substr(0, 6), "before");
  return valid ? out.substr(6) : "REFUSED" + out.substr(6);
}

TEST(Json, WritesNumbersAsTheWireHasThem) {
  const double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<double, std::string>> cases = {{3.0, "3"},
                                                             {-0.0, "-0"},
                                                             {0.0, "0"},
                                                             {1e6, "1000000"},
                                                             {0x1p53, "9007199254740992"},
                                                             {0.1, "0.1"},
                                                             {5e-324, "5e-324"},
                                                             {1e300, "1e+300"},
                                                             {std::nan(""), "NaN"},
                                                             {kInfinity, "Infinity"},
                                                             {-kInfinity, "-Infinity"},
                                                             {-2.5, "-2.5"}};
  for (const auto& [number, expected] : cases) EXPECT_EQ(json_value(number), expected);
  EXPECT_EQ(cases.size(), 12u);
  EXPECT_EQ(json_value(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(json_value(std::uint64_t{INT64_MAX}), "9223372036854775807");
  EXPECT_EQ(json_value(std::uint64_t{UINT64_MAX}), "1.8446744073709552e+19");  // As wandb: beyond int64 a float.
  EXPECT_EQ(json_value(true), "true");
  EXPECT_EQ(json_value(Value::null()), "null");
}

TEST(Json, ReadsBackEveryFloatItWrote) {
  const unsigned seed = std::random_device{}();
  std::mt19937_64 random(seed);
  int checked = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) continue;
    const std::string text = json_value(number);
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), number) << "seed " << seed << ": " << text;
    ++checked;
  }
  EXPECT_GT(checked, 19'000);
}

TEST(Json, EscapesWhatCouldBreakALineAndReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(json_string("a\"b\\c\nd\te\x01"), "\"a\\\"b\\\\c\\nd\\te\\u0001\"");
  EXPECT_EQ(json_string("ü☃😀"), "\"ü☃😀\"");
  const std::string_view bad[] = {"\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x98", "\x80"};
  const std::size_t replaced[] = {1, 2, 3, 4, 2, 1};
  for (std::size_t i = 0; i < std::size(bad); ++i) {
    std::string expected = "\"";
    for (std::size_t n = 0; n < replaced[i]; ++n) expected += "\xEF\xBF\xBD";
    EXPECT_EQ(json_string(bad[i]), expected + "\"") << i;
  }
}

TEST(Json, PassesValidTextsWithoutTheirWhiteSpace) {
  EXPECT_EQ(text_of(" { \"a b\" : [ 1 , 2.5e-3,\n NaN , -Infinity ] , \"\" : null } "),
            "{\"a b\":[1,2.5e-3,NaN,-Infinity],\"\":null}");
  EXPECT_EQ(text_of("\"\\u00e9\\n\""), "\"\\u00e9\\n\"");
  EXPECT_EQ(text_of("Infinity"), "Infinity");
  EXPECT_EQ(text_of("-0"), "-0");
  EXPECT_EQ(text_of("123456789012345678901234567890"), "123456789012345678901234567890");
}

TEST(Json, RefusesWhatIsNotExactlyOneStrictValue) {
  const std::string_view cases[] = {
      "",        " ",           "{",      "[1,]",     "{\"a\":1,}", "{a:1}",     "'a'", "01",    "+1",  "1.",
      ".5",      "1e",          "-",      "- 1",      "nan",        "-NaN",      "tru", "truex", "1 2", "\"a",
      "\"\\x\"", "\"\\u12G4\"", "\"\n\"", "\"\xFF\"", "[1 2]",      "{\"a\" 1}", "]",   "\"a\"b"};
  int checked = 0;
  for (const std::string_view text : cases) {
    EXPECT_EQ(text_of(text), "REFUSED") << text;
    ++checked;
  }
  EXPECT_EQ(checked, 28);
}

TEST(Json, RefusesNestingBeyondTheLimitWithoutDescendingFurther) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(text_of(nested(kJsonDepthMax)), nested(kJsonDepthMax));
  EXPECT_EQ(text_of(nested(kJsonDepthMax + 1)), "REFUSED");
  EXPECT_EQ(text_of(std::string(1'000'000, '[')), "REFUSED");
}

TEST(Json, SendsATextThatIsNoJsonAsAString) {
  EXPECT_EQ(json_value(Value::json("{broken")), "\"{broken\"");
  EXPECT_EQ(json_value(Value::json("[1]")), "[1]");
}

}  // namespace
}  // namespace wb

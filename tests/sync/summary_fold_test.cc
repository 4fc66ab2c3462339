// Summary fold: last values, explicit ones, and the kinds of define_metric.
#include "sync/summary_fold.h"

#include <gtest/gtest.h>

#include <cmath>

namespace wb {
namespace {

using Definitions = std::vector<std::map<std::string, std::string>>;
using Texts = std::map<std::string, std::string>;

SummaryFold folded(const std::vector<Value>& values) {
  SummaryFold fold;
  for (const Value& value : values) fold.log(fold.place_of("loss"), value);
  return fold;
}

TEST(Summary, KeepsTheLastValueThatIsNotNull) {
  SummaryFold fold = folded({1.0, 2.5, Value::null()});
  fold.log(fold.place_of("nothing"), Value::null());
  fold.log(fold.place_of("text"), "x");
  fold.log(fold.place_of("text"), Value::json("{\"a\": NaN}"));
  EXPECT_EQ(fold.finish({}), (Texts{{"loss", "2.5"}, {"text", "{\"a\":NaN}"}}));
}

TEST(Summary, GivesTheKindsThatADefinitionAsksFor) {
  const SummaryFold fold = folded({3.0, 1.0, 4, 2.0});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"min,max,mean,last", R"({"min":1,"max":4,"mean":2.5,"last":2})"},
      {"min", R"({"min":1})"},
      {"first", R"({"first":3})"},
      {"best", R"({"best":1})"},
      {"copy", "2"},
      {"last, max", R"({"max":4,"last":2})"},
      {"", "2"}};
  for (const auto& [kinds, expected] : cases) {
    EXPECT_EQ(fold.finish({{{"name", "loss"}, {"summary", kinds}}}), (Texts{{"loss", expected}})) << kinds;
  }
  EXPECT_EQ(cases.size(), 7u);
  EXPECT_EQ(fold.finish({{{"name", "loss"}, {"summary", "none"}}}), Texts{});
  EXPECT_EQ(fold.finish({{{"name", "loss"}, {"summary", "best"}, {"goal", "maximize"}}}),
            (Texts{{"loss", R"({"best":4})"}}));
}

TEST(Summary, DoesNotLetOneNaNSpoilMinMaxAndMean) {
  const SummaryFold fold = folded({2.0, std::nan(""), 4.0, std::nan("")});
  EXPECT_EQ(fold.finish({{{"name", "loss"}, {"summary", "min,max,mean,last"}}}),
            (Texts{{"loss", R"({"min":2,"max":4,"mean":3,"last":NaN})"}}));
}

TEST(Summary, PrefersTheExactNameThenTheLaterGlob) {
  SummaryFold fold;
  for (const char* key : {"val/a", "val/b", "train/a"}) {
    fold.log(fold.place_of(key), 1);
    fold.log(fold.place_of(key), 5);
    fold.log(fold.place_of(key), 3);
  }
  const Definitions definitions = {{{"name", "val/a"}, {"summary", "first"}},
                                   {{"name", "*"}, {"summary", "max"}},
                                   {{"name", "val/*"}, {"summary", "min"}}};
  EXPECT_EQ(fold.finish(definitions),
            (Texts{{"train/a", R"({"max":5})"}, {"val/a", R"({"first":1})"}, {"val/b", R"({"min":1})"}}));
}

TEST(Summary, LetsAnExplicitValueTakeThePlaceOfKindsUntilTheNextLog) {
  const Definitions definitions = {{{"name", "loss"}, {"summary", "min"}}};
  SummaryFold fold = folded({2.0, 1.0});
  fold.set("loss", 100);
  EXPECT_EQ(fold.finish(definitions), (Texts{{"loss", "100"}}));
  fold.log(fold.place_of("loss"), 3);
  EXPECT_EQ(fold.finish(definitions), (Texts{{"loss", "3"}}));
  fold.set("loss", Value::removed());
  EXPECT_EQ(fold.finish(definitions), Texts{});
  fold.set("nested", Value::json("{\"p\": 1}"));
  EXPECT_EQ(fold.finish(definitions), (Texts{{"nested", "{\"p\":1}"}}));
}

}  // namespace
}  // namespace wb

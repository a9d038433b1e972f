#include "storage/parquet_source.h"

#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <parquet/statistics.h>

#include "storage/test_files.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ParquetSourceTest : public FolderTest {
 protected:
  const Location root_ = ParseLocation("/").ValueOrDie();

  ParquetFooter FooterOf(const DataFile& file) {
    auto footers = ReadFooters(root_, {file}, 1);
    EXPECT_TRUE(footers.ok()) << footers.status().ToString();
    return footers->front();
  }

  arrow::Result<std::shared_ptr<arrow::Array>> ReadOne(const DataFile& file,
                                                       const std::string& column,
                                                       std::shared_ptr<arrow::DataType> type = {},
                                                       int row_group = 0,
                                                       TextForm text = TextForm::kDictionary) {
    ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(root_, {file}, 1));
    if (type == nullptr) type = footers[0].schema->GetFieldByName(column)->type();
    const auto schema = arrow::schema({arrow::field(column, type)});
    ARROW_ASSIGN_OR_RAISE(
        auto read, ReadRowGroup(root_, file, footers[0], row_group, *schema, {column}, text));
    return read.arrays[0];
  }

  void ExpectColumn(const DataFile& file, const std::string& column, const arrow::Array& expected) {
    auto read = ReadOne(file, column);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    ASSERT_TRUE((*read)->ValidateFull().ok());
    std::shared_ptr<arrow::Array> plain = *read;
    if (plain->type_id() == arrow::Type::DICTIONARY) {
      plain = Decoded(static_cast<const arrow::DictionaryArray&>(*plain));
    }
    EXPECT_TRUE(plain->Equals(expected)) << plain->ToString() << "\n" << expected.ToString();
  }

  static std::shared_ptr<arrow::Array> Decoded(const arrow::DictionaryArray& coded) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    EXPECT_TRUE(
        arrow::MakeBuilder(arrow::default_memory_pool(), coded.dictionary()->type(), &builder)
            .ok());
    for (int64_t i = 0; i < coded.length(); ++i) {
      if (coded.IsNull(i)) {
        EXPECT_TRUE(builder->AppendNull().ok());
      } else {
        EXPECT_TRUE(
            builder->AppendArraySlice(*coded.dictionary()->data(), coded.GetValueIndex(i), 1).ok());
      }
    }
    return builder->Finish().ValueOrDie();
  }
};

const std::shared_ptr<parquet::ArrowWriterProperties> kStoreSchema =
    parquet::ArrowWriterProperties::Builder().store_schema()->build();

TEST_F(ParquetSourceTest, ReadsEveryTypeInItsPlainForm) {
  const auto strings = ArrayOf(arrow::utf8(), R"(["a", null, "", "ä"])");
  const auto dictionary =
      arrow::DictionaryArray::FromArrays(ArrayOf(arrow::int8(), "[0, null, 1, 0]"),
                                         ArrayOf(arrow::utf8(), R"(["x", "y"])"))
          .ValueOrDie();
  const auto table = TableOf({
      {"b", ArrayOf(arrow::boolean(), "[true, null, false, true]")},
      {"i8", ArrayOf(arrow::int8(), "[1, null, -3, 4]")},
      {"u32", ArrayOf(arrow::uint32(), "[1, null, 4294967295, 4]")},
      {"u64", ArrayOf(arrow::uint64(), "[1, null, 18446744073709551615, 4]")},
      {"f", ArrayOf(arrow::float32(), "[1.5, null, NaN, -0.0]")},
      {"s", strings},
      {"large", ArrayOf(arrow::large_utf8(), R"(["a", null, "", "ä"])")},
      {"view", ArrayOf(arrow::utf8_view(), R"(["a", null, "", "ä"])")},
      {"dict", dictionary},
      {"bin", ArrayOf(arrow::large_binary(), R"(["a", null, "", "b"])")},
      {"d32", ArrayOf(arrow::date32(), "[1, null, -3, 4]")},
      {"d64", ArrayOf(arrow::date64(), "[86400000, null, 0, -86400000]")},
      {"dec", ArrayOf(arrow::decimal128(9, 2), R"(["1.25", null, "-3.00", "0.01"])")},
      {"dec256", ArrayOf(arrow::decimal256(20, 2), R"(["1.25", null, "-3.00", "0.01"])")},
      {"ns", ArrayOf(arrow::timestamp(arrow::TimeUnit::NANO), "[1, null, -3, 4]")},
      {"berlin",
       ArrayOf(arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Berlin"), "[1, null, -3, 4]")},
      {"t", ArrayOf(arrow::time64(arrow::TimeUnit::MICRO), "[1, null, 3, 4]")},
      {"list", ArrayOf(arrow::list(arrow::int32()), "[[1, 2], null, [], [3]]")},
      {"struct", ArrayOf(arrow::struct_({arrow::field("s", arrow::utf8())}),
                         R"([["x"], null, ["y"], [null]])")},
      {"map", ArrayOf(arrow::map(arrow::utf8(), arrow::int32()), R"([[["k", 1]], null, [], []])")},
      {"after", ArrayOf(arrow::int64(), "[1, 2, 3, null]")},
      {"half", ArrayOf(arrow::float16(), "[1.5, 2, 3, null]")},
      {"nothing", ArrayOf(arrow::null(), "[null, null, null, null]")},
  });
  for (const auto& arrow_properties : {kStoreSchema, parquet::default_arrow_writer_properties()}) {
    const DataFile file = WriteFile(Path("f.parquet"), *table, parquet::default_writer_properties(),
                                    arrow_properties);
    ExpectColumn(file, "b", *table->column(0)->chunk(0));
    ExpectColumn(file, "i8", *table->column(1)->chunk(0));
    ExpectColumn(file, "u32", *table->column(2)->chunk(0));
    ExpectColumn(file, "u64", *table->column(3)->chunk(0));
    ExpectColumn(file, "s", *strings);
    ExpectColumn(file, "large", *strings);
    ExpectColumn(file, "view", *strings);
    ExpectColumn(file, "dict", *ArrayOf(arrow::utf8(), R"(["x", null, "y", "x"])"));
    ExpectColumn(file, "bin", *ArrayOf(arrow::binary(), R"(["a", null, "", "b"])"));
    ExpectColumn(file, "d32", *ArrayOf(arrow::date32(), "[1, null, -3, 4]"));
    ExpectColumn(file, "d64", *ArrayOf(arrow::date32(), "[1, null, 0, -1]"));
    ExpectColumn(file, "dec", *table->column(12)->chunk(0));
    ExpectColumn(file, "dec256",
                 *ArrayOf(arrow::decimal128(20, 2), R"(["1.25", null, "-3.00", "0.01"])"));
    ExpectColumn(file, "ns", *table->column(14)->chunk(0));
    ExpectColumn(file, "berlin",
                 *ArrayOf(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), "[1, null, -3, 4]"));
    ExpectColumn(file, "t", *table->column(16)->chunk(0));
    ExpectColumn(file, "after", *table->column(20)->chunk(0));
    for (const char* name : {"list", "map"}) {
      ASSERT_OK_AND_ASSIGN(const auto read, ReadOne(file, name));
      EXPECT_EQ(read->ToString(), table->GetColumnByName(name)->chunk(0)->ToString());
    }
    for (const char* name : {"struct", "half"}) {
      const auto read = ReadOne(file, name);
      ASSERT_FALSE(read.ok()) << name;
      EXPECT_THAT(read.status().ToString(), HasSubstr("f.parquet"));
      EXPECT_THAT(read.status().ToString(), HasSubstr(name));
    }
  }
}

TEST_F(ParquetSourceTest, ReadsInt96AsInstants) {
  const auto table = TableOf(
      {{"t", ArrayOf(arrow::timestamp(arrow::TimeUnit::MICRO), "[1700000000000001, null, 0]")}});
  const auto int96 =
      parquet::ArrowWriterProperties::Builder().enable_deprecated_int96_timestamps()->build();
  const DataFile file =
      WriteFile(Path("f.parquet"), *table, parquet::default_writer_properties(), int96);
  ExpectColumn(
      file, "t",
      *ArrayOf(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), "[1700000000000001, null, 0]"));
  EXPECT_FALSE(StatisticsOf(FooterOf(file), 0, "t").has_value());
}

TEST_F(ParquetSourceTest, ReadsStringsOfAnyEncodingAsOneDictionary) {
  arrow::StringBuilder builder;
  for (int i = 0; i < 50'000; ++i) {
    ASSERT_OK(i % 7 == 0 ? builder.AppendNull()
                         : builder.Append("value-" + std::to_string(i % 30'000)));
  }
  const auto expected = builder.Finish().ValueOrDie();
  const auto table = TableOf({{"s", expected}});
  using Encoding = parquet::Encoding;
  for (const auto encoding :
       {Encoding::PLAIN, Encoding::DELTA_BYTE_ARRAY, Encoding::DELTA_LENGTH_BYTE_ARRAY}) {
    parquet::WriterProperties::Builder properties;
    properties.disable_dictionary()->encoding("s", encoding)->data_pagesize(10'000);
    ExpectColumn(WriteFile(Path("f.parquet"), *table, properties.build()), "s", *expected);
  }
  // A dictionary that outgrows its page, after which the chunk goes on in plain pages.
  parquet::WriterProperties::Builder properties;
  properties.dictionary_pagesize_limit(20'000)->data_pagesize(10'000);
  const DataFile file = WriteFile(Path("f.parquet"), *table, properties.build());
  ExpectColumn(file, "s", *expected);
  ASSERT_OK_AND_ASSIGN(const auto read, ReadOne(file, "s"));
  EXPECT_TRUE(read->type()->Equals(arrow::dictionary(arrow::int32(), arrow::utf8())));
}

TEST_F(ParquetSourceTest, ReadsTextAsItIsStoredOrPlain) {
  arrow::StringBuilder distinct;
  arrow::StringBuilder few;
  for (int i = 0; i < 50'000; ++i) {
    ASSERT_OK(i % 7 == 0 ? distinct.AppendNull() : distinct.Append("value-" + std::to_string(i)));
    ASSERT_OK(few.Append(i % 2 == 0 ? "even" : "odd"));
  }
  const auto expected = distinct.Finish().ValueOrDie();
  const auto parity = few.Finish().ValueOrDie();
  parquet::WriterProperties::Builder properties;
  properties.dictionary_pagesize_limit(20'000)->data_pagesize(10'000);
  const DataFile file = WriteFile(
      Path("f.parquet"), *TableOf({{"distinct", expected}, {"few", parity}}), properties.build());
  const auto dictionary = arrow::dictionary(arrow::int32(), arrow::utf8());
  ASSERT_OK_AND_ASSIGN(const auto stored, ReadOne(file, "distinct", {}, 0, TextForm::kAsStored));
  EXPECT_TRUE(stored->Equals(*expected)) << stored->type()->ToString();
  ASSERT_OK_AND_ASSIGN(const auto coded, ReadOne(file, "few", {}, 0, TextForm::kAsStored));
  EXPECT_TRUE(coded->type()->Equals(dictionary));
  ASSERT_OK_AND_ASSIGN(const auto plain, ReadOne(file, "few", {}, 0, TextForm::kPlain));
  EXPECT_TRUE(plain->Equals(*parity)) << plain->type()->ToString();
  for (const TextForm form : {TextForm::kAsStored, TextForm::kPlain}) {
    ASSERT_OK_AND_ASSIGN(const auto missing, ReadOne(file, "missing", arrow::utf8(), 0, form));
    EXPECT_EQ(missing->null_count(), 50'000);
  }
}

TEST_F(ParquetSourceTest, RefusesPlainTextThatIsNoUtf8) {
  arrow::BinaryBuilder builder;
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_OK(i == 4321 ? builder.Append("\xff") : builder.Append(std::to_string(i)));
  }
  auto data = builder.Finish().ValueOrDie()->data()->Copy();
  data->type = arrow::utf8();
  parquet::WriterProperties::Builder properties;
  properties.dictionary_pagesize_limit(1'000)->data_pagesize(1'000);
  const DataFile file = WriteFile(
      Path("f.parquet"), *TableOf({{"s", arrow::MakeArray(std::move(data))}}), properties.build());
  for (const TextForm form : {TextForm::kDictionary, TextForm::kAsStored, TextForm::kPlain}) {
    const auto read = ReadOne(file, "s", {}, 0, form);
    ASSERT_FALSE(read.ok());
    EXPECT_THAT(read.status().ToString(), HasSubstr("row 4321 holds invalid UTF-8"));
  }
}

TEST_F(ParquetSourceTest, GivesNullsForWhatIsMissingAndWidensWhatIsNarrow) {
  const DataFile file =
      WriteFile(Path("f.parquet"), *TableOf({{"i", ArrayOf(arrow::int32(), "[1, null]")},
                                             {"n", ArrayOf(arrow::null(), "[null, null]")}}));
  ASSERT_OK_AND_ASSIGN(const auto wide, ReadOne(file, "i", arrow::int64()));
  EXPECT_TRUE(wide->Equals(*ArrayOf(arrow::int64(), "[1, null]")));
  for (const char* name : {"missing", "n"}) {
    ASSERT_OK_AND_ASSIGN(const auto text, ReadOne(file, name, arrow::utf8()));
    EXPECT_TRUE(text->type()->Equals(arrow::dictionary(arrow::int32(), arrow::utf8())));
    EXPECT_EQ(text->length(), 2);
    EXPECT_EQ(text->null_count(), 2);
    ASSERT_OK_AND_ASSIGN(const auto number, ReadOne(file, name, arrow::float64()));
    EXPECT_EQ(number->null_count(), 2);
  }
}

TEST_F(ParquetSourceTest, ReadsEachRowGroup) {
  const DataFile file =
      WriteFile(Path("f.parquet"), *TableOf({{"a.b", ArrayOf(arrow::int32(), "[1, 2, 3, 4, 5]")}}),
                parquet::default_writer_properties(), kStoreSchema, 2);
  ASSERT_OK_AND_ASSIGN(const auto last, ReadOne(file, "a.b", {}, 2));
  EXPECT_TRUE(last->Equals(*ArrayOf(arrow::int32(), "[5]")));
}

TEST_F(ParquetSourceTest, NamesTheRowOfInvalidUtf8) {
  arrow::BinaryBuilder builder;
  ASSERT_OK(builder.Append("good"));
  ASSERT_OK(builder.Append("bad\xc3"));
  ASSERT_OK(builder.Append("\xa4 split"));
  auto data = builder.Finish().ValueOrDie()->data()->Copy();
  data->type = arrow::utf8();
  const DataFile file = WriteFile(Path("f.parquet"), *TableOf({{"s", arrow::MakeArray(data)}}));
  const auto read = ReadOne(file, "s");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.status().ToString(), HasSubstr("f.parquet: row group 0: column 's': row 1"));
}

TEST_F(ParquetSourceTest, NamesFilesThatAreNotParquet) {
  const DataFile good =
      WriteFile(Path("good.parquet"), *TableOf({{"i", ArrayOf(arrow::int32(), "[1]")}}));
  std::ifstream stream(good.path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  const std::vector<std::string> damages = {"",
                                            "PAR1",
                                            bytes.substr(0, bytes.size() / 2),
                                            "PAR1" + std::string(200, '\0') + "PAR1",
                                            bytes.substr(0, bytes.size() - 4) + "PAR2",
                                            std::string(5000, 'x')};
  for (const std::string& damage : damages) {
    DataFile bad;
    bad.path = Path("bad.parquet");
    bad.size = static_cast<int64_t>(damage.size());
    std::ofstream(bad.path, std::ios::binary) << damage;
    const auto footers = ReadFooters(root_, {good, bad, good}, 3);
    ASSERT_FALSE(footers.ok()) << damage.size();
    EXPECT_EQ(CodeOf(footers.status()), ErrorCode::kRunFailed);
    EXPECT_THAT(footers.status().ToString(), HasSubstr("bad.parquet"));
  }
  DataFile gone = good;
  gone.path = Path("gone.parquet");
  EXPECT_THAT(ReadFooters(root_, {gone}, 1).status().ToString(), HasSubstr("gone.parquet"));
  DataFile grown = good;
  grown.size -= 1;
  EXPECT_THAT(ReadFooters(root_, {grown}, 1).status().ToString(), HasSubstr("changed"));
}

TEST_F(ParquetSourceTest, FlippedBytesGiveAnErrorThatNamesTheFileOrTheData) {
  arrow::StringBuilder strings;
  arrow::Int64Builder numbers;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_OK(strings.Append("v" + std::to_string(i % 90)));
    ASSERT_OK(i % 5 == 0 ? numbers.AppendNull() : numbers.Append(i * i));
  }
  const auto table =
      TableOf({{"s", strings.Finish().ValueOrDie()}, {"n", numbers.Finish().ValueOrDie()}});
  std::mt19937 random(7);
  for (const bool checksums : {true, false}) {
    parquet::WriterProperties::Builder properties;
    properties.compression(checksums ? parquet::Compression::ZSTD
                                     : parquet::Compression::UNCOMPRESSED);
    if (checksums) properties.enable_page_checksum();
    const DataFile file =
        WriteFile(Path("f.parquet"), *table, properties.build(), kStoreSchema, 700);
    std::ifstream stream(file.path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    int failures = 0;
    for (int round = 0; round < 600; ++round) {
      std::string damaged = bytes;
      for (int flips = 0; flips <= round % 3; ++flips) {
        damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
      }
      std::ofstream(file.path, std::ios::binary) << damaged;
      const auto footers = ReadFooters(root_, {file}, 1);
      arrow::Status status = footers.status();
      if (status.ok()) {
        const auto unified = UnifySchemas({file}, *footers);
        status = unified.status();
        for (int group = 0; status.ok() && group < (*footers)[0].metadata->num_row_groups();
             ++group) {
          for (const char* column : {"s", "n"}) {
            StatisticsOf((*footers)[0], group, column);
            CompressedBytes((*footers)[0], group, {column});
            if (unified->schema->GetFieldIndex(column) < 0) continue;
            const auto read =
                ReadRowGroup(root_, file, (*footers)[0], group, *unified->schema, {column});
            if (!read.ok()) {
              status = read.status();
            } else {
              ASSERT_TRUE(read->arrays[0]->ValidateFull().ok());
            }
          }
        }
      }
      if (status.ok()) continue;
      ++failures;
      EXPECT_THAT(status.ToString(), HasSubstr("f.parquet"));
      EXPECT_EQ(CodeOf(status), ErrorCode::kRunFailed);
    }
    EXPECT_GT(failures, 100);
  }
}

TEST_F(ParquetSourceTest, GivesStatisticsWhereTheyAreSound) {
  const auto table = TableOf({
      {"i", ArrayOf(arrow::int32(), "[3, null, -1]")},
      {"u", ArrayOf(arrow::uint64(), "[18446744073709551615, 1, 2]")},
      {"f", ArrayOf(arrow::float64(), "[1, 2, 3]")},
      {"s", ArrayOf(arrow::large_utf8(), R"(["b", "a", null])")},
      {"none", ArrayOf(arrow::int32(), "[null, null, null]")},
      {"d", ArrayOf(arrow::date32(), "[5, 7, null]")},
      {"t", ArrayOf(arrow::timestamp(arrow::TimeUnit::MICRO, "Asia/Tokyo"), "[5, 7, null]")},
      {"dec", ArrayOf(arrow::decimal128(9, 2), R"(["1.25", null, "-3.00"])")},
      {"list", ArrayOf(arrow::list(arrow::int32()), "[[1, 2], null, []]")},
      {"b", ArrayOf(arrow::boolean(), "[true, true, null]")},
  });
  const ParquetFooter footer = FooterOf(
      WriteFile(Path("f.parquet"), *table, parquet::default_writer_properties(), kStoreSchema));
  const auto range = [&](const std::string& column) {
    const auto found = StatisticsOf(footer, 0, column);
    if (!found.has_value()) return std::string("none");
    EXPECT_TRUE(found->min->type->Equals(*footer.schema->GetFieldByName(column)->type()));
    return found->min->ToString() + " .. " + found->max->ToString();
  };
  EXPECT_EQ(range("i"), "-1 .. 3");
  EXPECT_EQ(range("u"), "1 .. 18446744073709551615");
  EXPECT_EQ(range("f"), "none");
  EXPECT_EQ(range("s"), "a .. b");
  EXPECT_EQ(range("none"), "none");
  EXPECT_EQ(range("d"), "1970-01-06 .. 1970-01-08");
  EXPECT_EQ(range("t"), "1970-01-01 00:00:00.000005Z .. 1970-01-01 00:00:00.000007Z");
  EXPECT_EQ(range("dec"), "-3.00 .. 1.25");
  EXPECT_EQ(range("list"), "none");
  EXPECT_EQ(range("b"), "true .. true");
  EXPECT_EQ(range("absent"), "none");
  EXPECT_GT(CompressedBytes(footer, 0, {"i", "s", "absent", "list"}), 0);
}

class UnifySchemasTest : public testing::Test {
 protected:
  arrow::Result<UnifiedSchema> Unify(const std::vector<arrow::FieldVector>& schemas,
                                     const std::string& folder = "") {
    std::vector<DataFile> files;
    std::vector<ParquetFooter> footers;
    for (size_t i = 0; i < schemas.size(); ++i) {
      files.push_back(
          {"/r/" + folder + "f" + std::to_string(i), folder + "f" + std::to_string(i), 1, 1, {}});
      footers.push_back({nullptr, arrow::schema(schemas[i])});
    }
    return UnifySchemas(files, footers);
  }

  std::string Widened(std::shared_ptr<arrow::DataType> a, std::shared_ptr<arrow::DataType> b) {
    const auto unified = Unify({{arrow::field("x", a)}, {arrow::field("x", b)}});
    const auto reversed = Unify({{arrow::field("x", b)}, {arrow::field("x", a)}});
    EXPECT_EQ(unified.ok(), reversed.ok());
    if (!unified.ok()) return "error";
    EXPECT_TRUE(unified->schema->Equals(*reversed->schema));
    return unified->schema->field(0)->type()->ToString();
  }
};

TEST_F(UnifySchemasTest, WidensWithinAFamily) {
  using arrow::TimeUnit;
  EXPECT_EQ(Widened(arrow::int8(), arrow::int64()), "int64");
  EXPECT_EQ(Widened(arrow::uint8(), arrow::int8()), "int16");
  EXPECT_EQ(Widened(arrow::uint32(), arrow::int8()), "int64");
  EXPECT_EQ(Widened(arrow::uint8(), arrow::uint32()), "uint32");
  EXPECT_EQ(Widened(arrow::uint8(), arrow::int64()), "int64");
  EXPECT_EQ(Widened(arrow::uint64(), arrow::int8()), "error");
  EXPECT_EQ(Widened(arrow::float32(), arrow::float64()), "double");
  EXPECT_EQ(Widened(arrow::int64(), arrow::float64()), "error");
  EXPECT_EQ(Widened(arrow::decimal128(5, 2), arrow::decimal128(6, 4)), "decimal128(7, 4)");
  EXPECT_EQ(Widened(arrow::decimal128(38, 0), arrow::decimal128(38, 4)), "error");
  EXPECT_EQ(Widened(arrow::timestamp(TimeUnit::MILLI), arrow::timestamp(TimeUnit::NANO)),
            "timestamp[ns]");
  EXPECT_EQ(Widened(arrow::timestamp(TimeUnit::MILLI), arrow::timestamp(TimeUnit::MILLI, "UTC")),
            "error");
  EXPECT_EQ(Widened(arrow::time32(TimeUnit::MILLI), arrow::time64(TimeUnit::MICRO)), "time64[us]");
  EXPECT_EQ(Widened(arrow::null(), arrow::utf8()), "string");
  EXPECT_EQ(Widened(arrow::utf8(), arrow::binary()), "error");
  EXPECT_EQ(Widened(arrow::date32(), arrow::timestamp(TimeUnit::MICRO)), "error");
  EXPECT_EQ(Widened(arrow::list(arrow::int8()), arrow::int8()), "error");
}

TEST_F(UnifySchemasTest, NamesBothFilesAndTypes) {
  const auto unified = Unify({{arrow::field("x", arrow::utf8())},
                              {arrow::field("x", arrow::utf8())},
                              {arrow::field("x", arrow::int64())}});
  ASSERT_FALSE(unified.ok());
  for (const char* word : {"'x'", "/r/f0", "string", "/r/f2", "int64"}) {
    EXPECT_THAT(unified.status().ToString(), HasSubstr(word));
  }
}

TEST_F(UnifySchemasTest, WarnsOfMissingColumnsAndKeepsTheOrder) {
  ASSERT_OK_AND_ASSIGN(const UnifiedSchema unified,
                       Unify({{arrow::field("a", arrow::utf8())},
                              {arrow::field("b", arrow::int8()), arrow::field("a", arrow::utf8())},
                              {arrow::field("a", arrow::utf8())}}));
  EXPECT_THAT(unified.schema->field_names(), ElementsAre("a", "b"));
  EXPECT_THAT(unified.warnings,
              ElementsAre("column 'b' is missing in 2 files (first: f0); read as NULL"));
}

TEST_F(UnifySchemasTest, LeavesOutWhatTheDirectoriesGive) {
  ASSERT_OK_AND_ASSIGN(
      const UnifiedSchema unified,
      Unify({{arrow::field("day", arrow::utf8()), arrow::field("x", arrow::int8())},
             {arrow::field("day", arrow::int8()), arrow::field("x", arrow::int8())}},
            "day=1/"));
  EXPECT_THAT(unified.schema->field_names(), ElementsAre("x"));
  EXPECT_THAT(unified.warnings, IsEmpty());
}

TEST_F(UnifySchemasTest, DoesNotMindNestedColumnsThatDiffer) {
  EXPECT_TRUE(Unify({{arrow::field("x", arrow::list(arrow::int8()))},
                     {arrow::field("x", arrow::list(arrow::utf8()))}})
                  .ok());
}

TEST_F(UnifySchemasTest, RefusesAColumnThatOccursTwice) {
  EXPECT_FALSE(Unify({{arrow::field("x", arrow::int8()), arrow::field("x", arrow::int8())}}).ok());
}

}  // namespace
}  // namespace tidemill

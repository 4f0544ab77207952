#include "worker/connect/uri.h"

#include <gtest/gtest.h>

namespace millrace::connect {
namespace {

TEST(UriTest, AFileLiesBeneathTheRootOrIsAbsolute) {
  EXPECT_EQ(ParseUri("duckdb:warehouse.duckdb")->path, "warehouse.duckdb");
  EXPECT_EQ(ParseUri("DuckDB:///srv/warehouse.duckdb")->path, "/srv/warehouse.duckdb");
  EXPECT_EQ(ParseUri("DuckDB:///srv/w")->scheme, "duckdb");
}

TEST(UriTest, AServerHasAccountPortPathAndOptions) {
  const Uri uri = *ParseUri("postgresql://ana:p%40ss@db:5433/sales?sslmode=require&x=a%20b");
  EXPECT_EQ(uri.user, "ana");
  EXPECT_EQ(uri.password, "p@ss");
  EXPECT_EQ(uri.host, "db");
  EXPECT_EQ(uri.port, 5433);
  EXPECT_EQ(uri.path, "/sales");
  EXPECT_EQ(uri.options.at("x"), "a b");
}

TEST(UriTest, AnErrorNeverShowsTheUri) {
  for (const char* text : {"secret", "x://u:secret@h:port/", "x://u:secret%zz@h/"}) {
    const Status status = ParseUri(text).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_EQ(status.message().find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace millrace::connect

#include <gmock/gmock.h>

#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

using ::testing::HasSubstr;

class UserRoutesTest : public ApiTest {
 protected:
  UserRoutesTest() { Start(); }
  Answered Admin(const std::string& method, const std::string& path, const std::string& body = "") {
    return Ask(method, "/millrace/v1/" + path, Token("admin"), body);
  }
  std::string LogIn(const std::string& user, const std::string& password) {
    const Answered answered =
        Ask("POST", "/auth/token", "", R"({"username": ")" + user + R"(", "password": ")" + password + "\"}");
    return answered.status == 201 ? answered.At("access_token").as_string() : "";
  }
};

TEST_F(UserRoutesTest, AUserIsMadeGivenAnotherRoleAndDeleted) {
  EXPECT_EQ(Admin("POST", "users", R"({"username": "ana", "password": "long enough", "role": "user"})").status, 201);
  EXPECT_EQ(Admin("POST", "users", R"({"username": "ana", "password": "long enough", "role": "user"})").status, 409);
  const std::string token = LogIn("ana", "long enough");
  EXPECT_EQ(Ask("GET", "/millrace/v1/me", token).At("role"), Value("user"));
  EXPECT_EQ(Admin("PATCH", "users/ana", R"({"role": "viewer"})").At("role"), Value("viewer"));
  EXPECT_EQ(Ask("GET", "/millrace/v1/me", token).At("role"), Value("viewer"));
  EXPECT_EQ(Admin("PATCH", "users/ana", R"({"password": "another one"})").status, 200);
  EXPECT_EQ(LogIn("ana", "long enough"), "");
  EXPECT_NE(LogIn("ana", "another one"), "");
  const Answered listed = Admin("GET", "users");
  EXPECT_THAT(listed.text, HasSubstr(R"({"username":"ana","role":"viewer","teams":[]})"));
  EXPECT_EQ(listed.text.find("argon2"), std::string::npos);
  EXPECT_EQ(Admin("DELETE", "users/ana").status, 204);
  EXPECT_EQ(Ask("GET", "/millrace/v1/me", token).status, 401);
  EXPECT_EQ(Admin("DELETE", "users/ana").status, 404);
  EXPECT_EQ(Admin("PATCH", "users/ana", R"({"role": "op"})").status, 404);
}

TEST_F(UserRoutesTest, APasswordThatWasMadeUpIsToldOnce) {
  const Answered made = Admin("POST", "users", R"({"username": "eva", "role": "op"})");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_NE(LogIn("eva", made.At("password").as_string()), "");
}

TEST_F(UserRoutesTest, EverythingWrongIsToldAtOnce) {
  EXPECT_EQ(Admin("POST", "users", R"({"password": 3, "role": "king", "more": 1})").Count("detail"), 4U);
  EXPECT_EQ(Admin("POST", "users", R"({"username": "a b", "role": "op"})").status, 400);
  EXPECT_EQ(Admin("POST", "users", R"({"username": "eva", "role": "worker"})").status, 422);
  EXPECT_EQ(Admin("POST", "users", R"({"username": "eva", "role": "op", "password": "short"})").status, 400);
  EXPECT_EQ(Admin("DELETE", "users/admin").status, 409);
  EXPECT_EQ(Ask("GET", "/millrace/v1/users", Token("op")).status, 403);
}

TEST_F(UserRoutesTest, ItTakesTheOldPasswordToSetOnesOwn) {
  Admin("POST", "users", R"({"username": "ana", "password": "long enough", "role": "viewer"})");
  const std::string token = LogIn("ana", "long enough");
  const auto change = [&](const std::string& current) {
    return Ask("PATCH", "/millrace/v1/me", token,
               R"({"current_password": ")" + current + R"(", "password": "another one"})").status;
  };
  EXPECT_EQ(change("a guess"), 401);
  EXPECT_EQ(change("long enough"), 200);
  EXPECT_NE(LogIn("ana", "another one"), "");
}

}  // namespace
}  // namespace millrace::api

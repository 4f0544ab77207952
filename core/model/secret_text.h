// What must not be shown: which names stand for secrets, as Airflow has it, and how their values are kept out of
// texts and JSON. Used where secrets meet messages, answers and logs. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/value.h"

namespace millrace {

inline constexpr std::string_view kSecretMask = "***";

// "db_password", "API_KEY", "slack-token": of a variable, or of a member of a connection's extra.
bool IsSecretName(std::string_view name);

// The texts of all scalars below members with secret names; with `all`, of every scalar. Each also in the forms
// that JSON and URLs give it.
void AddSecrets(const Value& value, bool all, std::vector<std::string>& secrets);

// The same value with a mask instead of those.
Value MaskedValue(const Value& value, bool all);

// A text with a mask wherever one of the secrets stands. Those of fewer than three characters are left: they
// would be found everywhere.
std::string MaskedText(std::string text, const std::vector<std::string>& secrets);

}  // namespace millrace

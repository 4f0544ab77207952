// Contract files: the part of check_spec.h that describes a whole dataset.
#include <algorithm>
#include <cctype>

#include "core/calendar/format.h"
#include "core/spec/check_spec.h"

namespace millrace {
namespace {

const std::vector<FieldSpec>& ContractFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "name", .type = FieldType::kString, .doc = "of the dataset", .required = true},
      {.name = "version", .type = FieldType::kString, .doc = "of the contract: 1, 1.2.0"},
      {.name = "owner", .type = FieldType::kString, .doc = "who answers for the data"},
      {.name = "description", .type = FieldType::kString},
      {.name = "sla",
       .type = FieldType::kMap,
       .doc = "how old the newest row may be",
       .members =
           {{.name = "freshness", .type = FieldType::kDuration, .required = true},
            {.name = "column", .type = FieldType::kString, .doc = "a DATE or TIMESTAMP", .required = true}}},
      {.name = "schema",
       .type = FieldType::kListOfMaps,
       .doc = "the columns",
       .members = {{.name = "name", .type = FieldType::kString, .required = true},
                   {.name = "type",
                    .type = FieldType::kString,
                    .doc = "DuckDB's: BIGINT, VARCHAR, DECIMAL(18,2)"},
                   {.name = "nullable", .type = FieldType::kBoolean, .doc = "true when left out"},
                   {.name = "unique", .type = FieldType::kBoolean, .doc = "false when left out"},
                   {.name = "description", .type = FieldType::kString}}},
      {.name = "quality", .type = FieldType::kList, .doc = "checks"},
  };
  return fields;
}

std::string ScalarOf(const Value& map, std::string_view name) {
  const Value* value = map.Find(name);
  if (value == nullptr) return "";
  if (value->is_int()) return std::to_string(value->as_int());
  return value->is_string() ? value->as_string() : "";
}

bool FlagOf(const Value& map, std::string_view name, bool otherwise) {
  const Value* value = map.Find(name);
  return value != nullptr && value->is_bool() ? value->as_bool() : otherwise;
}

CheckSpec ColumnCheck(CheckType type, std::string_view word, const ContractColumn& column) {
  CheckSpec check;
  check.name = std::string(word) + "(" + column.name + ")";
  check.type = type;
  check.columns = {column.name};
  return check;
}

}  // namespace

Contract ParseContract(const Value& value, std::vector<Problem>& problems) {
  Contract contract;
  if (!value.is_map()) {
    AddProblem(problems, value.position(), "a contract must be a map with 'name', 'schema' and 'quality'");
    return contract;
  }
  const std::size_t before = problems.size();
  CheckFields(value, ContractFields(), "contract", problems);
  if (const Value* quality = value.Find("quality"); quality != nullptr && quality->is_list()) {
    contract.quality = ParseChecks(*quality, SpecPhase::kRendered, problems);
  }
  if (problems.size() != before) return contract;
  contract.name = ScalarOf(value, "name");
  contract.version = ScalarOf(value, "version");
  contract.owner = ScalarOf(value, "owner");
  contract.description = ScalarOf(value, "description");
  if (const Value* sla = value.Find("sla"); sla != nullptr && sla->is_map()) {
    const StatusOr<Duration> freshness = ParseDuration(ScalarOf(*sla, "freshness"));
    if (freshness.ok()) contract.freshness = *freshness;
    contract.freshness_column = ScalarOf(*sla, "column");
  }
  if (const Value* schema = value.Find("schema"); schema != nullptr && schema->is_list()) {
    for (const Value& item : schema->as_list()) {
      ContractColumn column{ScalarOf(item, "name"), ScalarOf(item, "type"), FlagOf(item, "nullable", true),
                            FlagOf(item, "unique", false), ScalarOf(item, "description")};
      std::transform(column.type.begin(), column.type.end(), column.type.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      const bool twice = std::any_of(contract.schema.begin(), contract.schema.end(),
                                     [&](const ContractColumn& other) { return other.name == column.name; });
      if (twice)
        AddProblem(problems, item.position(),
                   "contract: column '" + column.name + "' stands twice in 'schema'");
      contract.schema.push_back(std::move(column));
    }
  }
  return contract;
}

std::vector<CheckSpec> Contract::Checks() const {
  std::vector<CheckSpec> checks;
  if (!schema.empty()) {
    CheckSpec check;
    check.name = "schema";
    check.type = CheckType::kSchema;
    for (const ContractColumn& column : schema)
      check.schema.push_back({column.name, column.type, column.nullable});
    checks.push_back(std::move(check));
  }
  for (const ContractColumn& column : schema) {
    if (!column.nullable) checks.push_back(ColumnCheck(CheckType::kNotNull, "not_null", column));
    if (column.unique) checks.push_back(ColumnCheck(CheckType::kUnique, "unique", column));
  }
  if (freshness > Duration{0}) {
    CheckSpec check;
    check.name = "freshness(" + freshness_column + ") < " + FormatDuration(freshness);
    check.type = CheckType::kFreshness;
    check.columns = {freshness_column};
    check.max_age = freshness;
    checks.push_back(std::move(check));
  }
  checks.insert(checks.end(), quality.begin(), quality.end());
  return checks;
}

StatusOr<Contract> ParseRenderedContract(const Value& value) {
  std::vector<Problem> problems;
  Contract contract = ParseContract(value, problems);
  RETURN_IF_ERROR(ToStatus(problems));
  return contract;
}

}  // namespace millrace

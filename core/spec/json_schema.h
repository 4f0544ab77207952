// Values against JSON Schema, as far as trigger forms use it: what a param may be. Used by dagbag (defaults,
// and whether a schema makes sense) and by the engine (a run's conf). Pure; any thread.
//
// Known: type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength,
// maxLength, pattern, format (date, date-time, time, email, uri, uuid), items, minItems, maxItems,
// uniqueItems, properties, required, additionalProperties, anyOf, oneOf, allOf, not. No $ref.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace {

// What is wrong with the value, each with its place in it: "must be at least 1", "[2].name must be a string,
// not an integer". Empty: nothing.
std::vector<std::string> CheckValue(const Value& value, const Value& schema);

// What is wrong with the schema itself: unknown types, patterns that are none, bounds that are no numbers.
// `what` opens the messages. Words that are not known are left alone: forms have words of their own.
void CheckSchema(const Value& schema, std::string_view what, std::vector<Problem>& problems);

}  // namespace millrace

#pragma once

/// ${NAME} and ${NAME:-default} in a pipeline file.
///
/// Names are filled in after YAML has been parsed, in the text of each scalar, so that a value can
/// hold any character without changing what the file means. The lines that errors show, and the
/// columns that they name, are those of the text with the values in it.

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/pipeline_file_yaml.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// One `${...}` or `$${` of a text.
struct NameUse {
  size_t begin = 0;  ///< in the text
  size_t end = 0;    ///< one past its last byte
  std::string replacement;
  std::string fault;  ///< why there is no replacement; empty if there is one
  std::string hint;
  std::string name = {};  ///< whose value the replacement is; empty for defaults and "$${"
};

/// Every use of a name in `text`. A value comes from `names`, else the environment if it is read,
/// else the default after ":-"; a value that is set to nothing is a value. "$${" stands for "${".
std::vector<NameUse> FindNameUses(std::string_view text, const NameValues& names,
                                  Environment environment = Environment::kRead);

/// Fills in the names in all scalars of `document` and in `lines`, and moves the nodes' positions
/// to where they stand in the new lines; `used` gets the values that scalars took. Returns a
/// diagnostic (without source line) for every name that has no value; such a scalar is marked
/// unresolved.
std::vector<Diagnostic> SubstituteNames(const NameValues& names, Environment environment,
                                        YamlDocument* document, std::vector<std::string>* lines,
                                        NameValues* used);

}  // namespace tidemill

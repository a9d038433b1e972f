#include "sql/refused_syntax.h"

#include <map>

namespace tidemill {

RefusedSyntax RefusedNode(const std::string& type) {
  static const std::map<std::string, RefusedSyntax> kRefused = {
      {"SubLink",
       {"subqueries are not supported", "an expression sees the columns of its own rows only"}},
      {"RowExpr", {"rows of several values are not supported", "compare the columns one by one"}},
      {"A_ArrayExpr", {"arrays are not supported", "use x in (a, b) to compare with several"}},
      {"A_Indirection", {"array elements and fields of rows are not supported", ""}},
      {"CollateClause", {"COLLATE is not supported", "strings are compared by their bytes"}},
      {"ParamRef",
       {"parameters like $1 are not supported",
        "use ${NAME} in the file, and --set NAME=value on the command line"}},
      {"GroupingFunc", {"GROUPING is not supported", ""}},
      {"XmlExpr", {"XML functions are not supported", ""}},
      {"XmlSerialize", {"XML functions are not supported", ""}},
      {"SetToDefault",
       {"DEFAULT has no meaning in an expression",
        "if it is a column, write it in double quotes: \"default\""}},
      {"CurrentOfExpr", {"CURRENT OF is not supported", ""}},
      {"NamedArgExpr",
       {"named arguments are not supported", "give the arguments in the order of the signature"}},
  };
  const auto refused = kRefused.find(type);
  if (refused == kRefused.end()) return {"this syntax is not supported", ""};
  return refused->second;
}

std::string OperatorHint(std::string_view op) {
  if (op == "==") return "use = to compare";
  if (op == "!") return "use NOT";
  if (op == "&&") return "use AND";
  if (op == "!~") return "use NOT x ~ 'pattern'";
  if (op == "~*" || op == "!~*") return "use lower(x) ~ 'pattern'";
  if (op == "@") return "use abs(x)";
  if (op == "//") return "use floor(x / y)";
  if (op == "<=>") return "use IS NOT DISTINCT FROM";
  return "";
}

}  // namespace tidemill

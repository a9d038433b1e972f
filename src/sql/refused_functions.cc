#include "sql/refused_functions.h"

#include <map>
#include <set>

namespace tidemill {

const RefusedFunction* FindRefusedFunction(const std::string& lower_name) {
  static const std::set<std::string> kClocks = {
      "clock_timestamp",
      "curdate",
      "current_date",
      "current_time",
      "current_timestamp",
      "curtime",
      "get_current_time",
      "get_current_timestamp",
      "getdate",
      "localtime",
      "localtimestamp",
      "now",
      "statement_timestamp",
      "sysdate",
      "timeofday",
      "today",
      "transaction_timestamp",
      "unix_timestamp",
  };
  static const std::set<std::string> kDice = {
      "gen_random_uuid",
      "newid",
      "rand",
      "randn",
      "random",
      "random_uuid",
      "setseed",
      "uuid",
      "uuid_generate_v1",
      "uuid_generate_v4",
      "uuidv4",
      "uuidv7",
  };
  static const std::set<std::string> kSession = {
      "current_catalog", "current_database", "current_role", "current_schema",
      "current_user",    "session_user",     "system_user",  "user",
  };
  static const RefusedFunction kClock = {" is refused: a pipeline's only clock is its feature date",
                                         "use feature_date, or run_timestamp() for metadata"};
  static const RefusedFunction kDie = {" is refused: the same events must give the same features",
                                       "take what should vary from a column"};
  static const RefusedFunction kWho = {
      " is refused: who runs a pipeline does not change its features",
      "if it is a column, write it in double quotes"};
  if (kClocks.contains(lower_name)) return &kClock;
  if (kDice.contains(lower_name)) return &kDie;
  if (kSession.contains(lower_name)) return &kWho;
  static const std::map<std::string, RefusedFunction> kOthers = {
      {"any_value",
       {" is refused: which value it takes would depend on the order of rows",
        "use min(x), mode(x), first(x) or last(x)"}},
      {"array_agg",
       {" is not supported: it keeps NULLs in some systems and drops them in others",
        "use collect_list(x), in the order of time without NULLs"}},
      {"list", {" is not supported", "use collect_list(x) or collect_set(x)"}},
      {"string_agg", {" is not supported", "use collect_list(x) or collect_set(x)"}},
      {"listagg", {" is not supported", "use collect_list(x) or collect_set(x)"}},
      {"sum_if", {" is not supported", "use sum(x) filter (where condition)"}},
      {"sumif", {" is not supported", "use sum(x) filter (where condition)"}},
      {"avg_if", {" is not supported", "use avg(x) filter (where condition)"}},
      {"approx_top_k", {" is not supported", "use top_k(x, k), which is exact"}},
      {"approx_distinct", {" is not supported", "use approx_count_distinct(x)"}},
  };
  const auto other = kOthers.find(lower_name);
  return other == kOthers.end() ? nullptr : &other->second;
}

}  // namespace tidemill

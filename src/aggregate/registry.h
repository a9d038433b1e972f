#pragma once

/// All aggregate functions by name.

#include <functional>
#include <string>
#include <vector>

#include "aggregate/aggregate.h"

namespace tidemill {

/// One function of the registry.
struct AggregateFunction {
  std::string name;  ///< lower case
  std::vector<std::string> aliases;
  int num_arguments = 1;  ///< columns; count(*) is count with star
  int min_constants = 0;  ///< arguments that follow the columns
  int max_constants = 0;
  /// The constants as the kernel wants them; an error without position for others.
  std::function<arrow::Result<Constants>(const Constants& constants)> check_constants;
  /// The type to which an argument is cast first; null for one that stays as it is. May be empty.
  std::function<std::shared_ptr<arrow::DataType>(const std::shared_ptr<arrow::DataType>&)> coerce;
  bool distinct_is_noop = false;  ///< see AggregateKernel
  std::string distinct_hint;      ///< not empty: DISTINCT is refused, with this hint
  AggregateDoc doc;
  /// The kernel for these argument types; an error message without position for types that it does
  /// not take.
  std::function<arrow::Result<AggregateKernel>(
      const std::vector<std::shared_ptr<arrow::DataType>>& arguments)>
      resolve;
};

class AggregateRegistry : public AggregateCatalog {
 public:
  /// The registry with every built-in function.
  static const AggregateRegistry& Default();

  void Add(AggregateFunction function);

  const AggregateFunction* Find(
      const std::string& lower_name) const;  ///< by name or alias; null if none
  const std::vector<AggregateFunction>& functions() const { return functions_; }

  /// The kernel of a bound call. For count(*) pass star.
  arrow::Result<AggregateKernel> Resolve(
      const std::string& lower_name, bool star,
      const std::vector<std::shared_ptr<arrow::DataType>>& arguments,
      const Constants& constants = {}) const;

  bool Has(const std::string& lower_name) const override;
  std::vector<std::string> Names() const override;
  arrow::Result<std::shared_ptr<arrow::DataType>> ResultType(
      const std::string& lower_name, bool distinct, bool star,
      const std::vector<std::shared_ptr<arrow::DataType>>& arguments,
      const Constants& constants) const override;
  int NumColumns(const std::string& lower_name) const override;
  std::shared_ptr<arrow::DataType> ArgumentType(
      const std::string& lower_name, const std::shared_ptr<arrow::DataType>& type) const override;

 private:
  std::vector<AggregateFunction> functions_;
};

/// The physical kind of a type; an error for types that aggregates do not take.
arrow::Result<ArgumentKind> ArgumentKindOf(const arrow::DataType& type);

// One per file of functions.
void RegisterCounts(AggregateRegistry* registry);
void RegisterSums(AggregateRegistry* registry);
void RegisterExtremes(AggregateRegistry* registry);
void RegisterMoments(AggregateRegistry* registry);
void RegisterBooleans(AggregateRegistry* registry);
void RegisterChoices(AggregateRegistry* registry);      // first, last, min_by, max_by
void RegisterCovariances(AggregateRegistry* registry);  // corr, covar_samp, covar_pop
void RegisterShapes(AggregateRegistry* registry);       // skewness, kurtosis
void RegisterMultisets(AggregateRegistry* registry);    // mode, top_k, histogram, collect_set
void RegisterCollectLists(AggregateRegistry* registry);
void RegisterPercentiles(AggregateRegistry* registry);  // percentile_cont, percentile_disc, median
void RegisterApproximatePercentiles(AggregateRegistry* registry);
void RegisterCardinalities(AggregateRegistry* registry);  // approx_count_distinct

}  // namespace tidemill

#include "runner/pass_rounds.h"

#include <algorithm>
#include <map>

namespace tidemill {
namespace {

/// Adds `round`, in several rounds where a single day has more slots than one pass may compute.
void Append(const std::vector<DatesOfPipeline>& pipelines, const PassRound& round,
            std::vector<PassRound>* rounds) {
  for (size_t begin_of_all = 0;; ++begin_of_all) {
    PassRound part(pipelines.size());
    bool is_empty = true;
    for (size_t p = 0; p < pipelines.size(); ++p) {
      const size_t begin = std::min(round[p].size(), begin_of_all * pipelines[p].per_pass);
      const size_t end = std::min(round[p].size(), begin + pipelines[p].per_pass);
      part[p].assign(round[p].begin() + static_cast<std::ptrdiff_t>(begin),
                     round[p].begin() + static_cast<std::ptrdiff_t>(end));
      is_empty = is_empty && part[p].empty();
    }
    if (is_empty) return;
    rounds->push_back(std::move(part));
  }
}

}  // namespace

std::vector<PassRound> CutIntoRounds(const std::vector<DatesOfPipeline>& pipelines) {
  std::vector<PassRound> rounds;
  PassRound round(pipelines.size());
  if (pipelines.size() == 1) {
    for (const auto& [number, day] : pipelines.front().dates) round.front().push_back(number);
    Append(pipelines, round, &rounds);
    return rounds;
  }
  std::map<CivilDay, PassRound> days;
  for (size_t p = 0; p < pipelines.size(); ++p) {
    for (const auto& [number, day] : pipelines[p].dates) {
      PassRound& of_day = days[day];
      of_day.resize(pipelines.size());
      of_day[p].push_back(number);
    }
  }
  for (const auto& [day, more] : days) {
    bool is_full = false;
    for (size_t p = 0; p < pipelines.size(); ++p) {
      is_full = is_full ||
                (!round[p].empty() && round[p].size() + more[p].size() > pipelines[p].per_pass);
    }
    if (is_full) {
      Append(pipelines, round, &rounds);
      round.assign(pipelines.size(), {});
    }
    for (size_t p = 0; p < pipelines.size(); ++p) {
      round[p].insert(round[p].end(), more[p].begin(), more[p].end());
    }
  }
  Append(pipelines, round, &rounds);
  return rounds;
}

}  // namespace tidemill

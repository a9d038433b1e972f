#include "table/staleness.h"

#include <algorithm>
#include <map>

#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include "base/calendar.h"

namespace tidemill {
namespace {

/// JSON holds UTF-8 alone; file names may hold anything.
std::string PrintablePath(const std::string& path) {
  if (arrow::util::ValidateUTF8(path)) return path;
  std::string printable;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      printable.push_back(c);
    } else {
      printable += fmt::format("\\x{:02x}", byte);
    }
  }
  return printable;
}

void CompareDay(const std::vector<InputFile>& recorded, const std::vector<InputFile>& current,
                DayChange* change) {
  const auto note = [&](int* count, const InputFile& file) {
    ++*count;
    if (change->example.empty()) change->example = file.path;
  };
  auto old = recorded.begin();
  auto now = current.begin();
  while (old != recorded.end() || now != current.end()) {
    if (now == current.end() || (old != recorded.end() && old->path < now->path)) {
      note(&change->removed, *old++);
    } else if (old == recorded.end() || now->path < old->path) {
      note(&change->added, *now++);
    } else {
      if (!(*old == *now)) note(&change->rewritten, *now);
      ++old;
      ++now;
    }
  }
}

}  // namespace

std::vector<InputDay> FingerprintOf(
    const std::vector<std::pair<std::optional<CivilDay>, const DataFile*>>& files) {
  arrow::util::InitializeUTF8();
  std::map<std::optional<CivilDay>, std::vector<InputFile>> by_day;
  for (const auto& [day, file] : files) {
    by_day[day].push_back(
        {PrintablePath(file->relative_path), file->size, file->mtime_ns, file->revision});
  }
  std::vector<InputDay> days;
  for (auto& [day, day_files] : by_day) {
    std::ranges::sort(day_files, {}, &InputFile::path);
    days.push_back({day, std::move(day_files)});
  }
  return days;
}

std::string DayChange::ToString() const {
  return (day.has_value() ? FormatCivilDay(*day) : "files of any day") + ": " + Counts();
}

std::string DayChange::Counts() const {
  std::string text;
  for (const auto& [count, what] :
       {std::pair{added, "added"}, {removed, "removed"}, {rewritten, "rewritten"}}) {
    if (count == 0) continue;
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", count, count == 1 ? "file" : "files",
                        what);
  }
  return text + fmt::format(" ({})", example);
}

std::vector<DayChange> ChangedDays(const std::vector<InputDay>& recorded,
                                   const std::vector<InputDay>& current) {
  struct Pair {
    const std::vector<InputFile>* recorded = nullptr;
    const std::vector<InputFile>* current = nullptr;
  };
  std::map<std::optional<CivilDay>, Pair> days;
  for (const InputDay& day : recorded) days[day.day].recorded = &day.files;
  for (const InputDay& day : current) days[day.day].current = &day.files;
  const std::vector<InputFile> none;
  std::vector<DayChange> changes;
  for (const auto& [day, pair] : days) {
    DayChange change;
    change.day = day;
    CompareDay(pair.recorded != nullptr ? *pair.recorded : none,
               pair.current != nullptr ? *pair.current : none, &change);
    if (change.added + change.removed + change.rewritten > 0) changes.push_back(std::move(change));
  }
  return changes;
}

std::vector<std::string> ChangedDimensions(const std::vector<InputDimension>& recorded,
                                           const std::vector<InputDimension>& current) {
  std::vector<std::string> texts;
  for (size_t j = 0; j < std::min(recorded.size(), current.size()); ++j) {
    if (recorded[j].path != current[j].path) continue;
    for (const DayChange& change : ChangedDays(recorded[j].files, current[j].files)) {
      texts.push_back("dimension " + current[j].path +
                      (change.day ? " of " + FormatCivilDay(*change.day) : "") + ": " +
                      change.Counts());
    }
  }
  return texts;
}

}  // namespace tidemill

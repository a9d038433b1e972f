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

/// ": 1 file added, 2 files removed (part-0.parquet)"
std::string FilesOf(const DayChange& change) {
  std::string text;
  const char* separator = ": ";
  for (const auto& [count, what] : {std::pair{change.added, "added"},
                                    {change.removed, "removed"},
                                    {change.rewritten, "rewritten"}}) {
    if (count == 0) continue;
    text += fmt::format("{}{} {} {}", separator, count, count == 1 ? "file" : "files", what);
    separator = ", ";
  }
  return text + fmt::format(" ({})", change.example);
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

std::vector<InputFile> FingerprintOf(const std::vector<DataFile>& files) {
  arrow::util::InitializeUTF8();
  std::vector<InputFile> inputs;
  for (const DataFile& file : files) {
    inputs.push_back({PrintablePath(file.relative_path), file.size, file.mtime_ns, file.revision});
  }
  std::ranges::sort(inputs, {}, &InputFile::path);
  return inputs;
}

std::string DayChange::ToString() const {
  return (day.has_value() ? FormatCivilDay(*day) : "files of any day") + FilesOf(*this);
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

std::vector<std::string> ChangedInputs(const std::vector<OtherInput>& recorded,
                                       const std::vector<OtherInput>& current) {
  std::vector<std::string> changes;
  for (const OtherInput& now : current) {
    const auto before = std::ranges::find_if(recorded, [&](const OtherInput& input) {
      return input.role == now.role && input.path == now.path;
    });
    if (before == recorded.end()) continue;
    DayChange change;
    CompareDay(before->files, now.files, &change);
    if (change.added + change.removed + change.rewritten == 0) continue;
    changes.push_back(now.role + " " + now.path + FilesOf(change));
  }
  return changes;
}

}  // namespace tidemill

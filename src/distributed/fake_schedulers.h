#pragma once

/// Schedulers that run tasks in this process and go wrong on purpose, for tests.

#include <algorithm>
#include <numeric>
#include <random>
#include <thread>

#include "tidemill/error.h"
#include "tidemill/tasks.h"

namespace tidemill {

/// One task after the other, each once.
class FakeScheduler : public TaskScheduler {
 public:
  explicit FakeScheduler(TaskResources resources = {2, 0}) : resources_(resources) {}

  arrow::Result<TaskResources> Resources() override { return resources_; }

  arrow::Status Run(const std::vector<std::string>& tasks,
                    const std::function<arrow::Status(size_t, const std::string&)>& on_result,
                    const std::function<bool()>& is_cancelled) override {
    for (size_t task : Order(tasks.size())) {
      if (is_cancelled()) return MakeError(ErrorCode::kInterrupted, "interrupted");
      ARROW_ASSIGN_OR_RAISE(const std::string result, Attempt(tasks[task]));
      tasks_run_ += 1;
      ARROW_RETURN_NOT_OK(on_result(task, result));
    }
    rounds_ += 1;
    return arrow::Status::OK();
  }

  int tasks_run() const { return tasks_run_; }
  int rounds() const { return rounds_; }

 protected:
  virtual std::vector<size_t> Order(size_t tasks) {
    std::vector<size_t> order(tasks);
    std::iota(order.begin(), order.end(), 0);
    return order;
  }
  virtual arrow::Result<std::string> Attempt(const std::string& task) { return RunTask(task); }

 private:
  TaskResources resources_;
  int tasks_run_ = 0;
  int rounds_ = 0;
};

/// In any order; every task twice at the same time, of which either result may be the one.
class ImpatientScheduler : public FakeScheduler {
 public:
  explicit ImpatientScheduler(uint32_t seed, TaskResources resources = {2, 0})
      : FakeScheduler(resources), random_(seed) {}

 protected:
  std::vector<size_t> Order(size_t tasks) override {
    std::vector<size_t> order = FakeScheduler::Order(tasks);
    std::ranges::shuffle(order, random_);
    return order;
  }
  arrow::Result<std::string> Attempt(const std::string& task) override {
    arrow::Result<std::string> other = std::string();
    std::thread thread([&] { other = RunTask(task); });
    arrow::Result<std::string> result = RunTask(task);
    thread.join();
    return random_() % 2 == 0 ? other : result;
  }

 private:
  std::mt19937 random_;
};

/// Every third worker dies when it has done its task: nobody hears of the result, and the task
/// runs again.
class DyingScheduler : public FakeScheduler {
 public:
  int deaths() const { return deaths_; }

 protected:
  arrow::Result<std::string> Attempt(const std::string& task) override {
    if (++attempts_ % 3 == 1) {
      ++deaths_;
      ARROW_RETURN_NOT_OK(RunTask(task).status());
    }
    return RunTask(task);
  }

 private:
  int attempts_ = 0;
  int deaths_ = 0;
};

/// Does something before the task of a number (from 0, over all rounds), and tries tasks that fail
/// `retries` times again.
class MeddlingScheduler : public FakeScheduler {
 public:
  MeddlingScheduler(int number, std::function<void()> meddle, int retries = 0)
      : number_(number), meddle_(std::move(meddle)), retries_(retries) {}

  std::function<void()> between;  ///< called between two attempts

  int failures() const { return failures_; }
  const arrow::Status& last_failure() const { return last_failure_; }

 protected:
  arrow::Result<std::string> Attempt(const std::string& task) override {
    if (next_++ == number_) meddle_();
    for (int attempt = 0;; ++attempt) {
      auto result = RunTask(task);
      if (result.ok()) return result;
      ++failures_;
      last_failure_ = result.status();
      if (attempt == retries_) return result;
      if (between) between();
    }
  }

 private:
  int number_;
  std::function<void()> meddle_;
  int retries_;
  int next_ = 0;
  int failures_ = 0;
  arrow::Status last_failure_;
};

}  // namespace tidemill
